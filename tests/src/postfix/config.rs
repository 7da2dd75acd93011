//! The files Postfix reads: main.cf, master.cf, the recipients, and SASL's configuration.

use super::Postfix;
use super::port::Ports;
use crate::certificates::Certificates;
use anyhow::{Context as _, Result};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Where Postfix logs, below its folder.
pub(super) const LOG: &str = "data/mail.log";
/// The passwords, below its folder.
pub(super) const SASL_DATABASE: &str = "sasldb2";

/// Every service a receiving Postfix needs and none that sends. None runs in a chroot: the folder is private already.
const SERVICES: &str = "\
cleanup    unix       n - n - 0 cleanup
qmgr       unix       n - n 300 1 qmgr
tlsmgr     unix       - - n 1000? 1 tlsmgr
rewrite    unix       - - n - - trivial-rewrite
bounce     unix       - - n - 0 bounce
defer      unix       - - n - 0 bounce
trace      unix       - - n - 0 bounce
proxymap   unix       - - n - - proxymap
anvil      unix       - - n - 1 anvil
error      unix       - - n - - error
retry      unix       - - n - - error
virtual    unix       - n n - - virtual
postlog    unix-dgram n - n - 1 postlogd
";

pub(super) struct Options {
    pub(super) starttls: bool,
    pub(super) auth: bool,
    pub(super) settings: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { starttls: true, auth: true, settings: Vec::new() }
    }
}

/// The folders of an instance. Postfix's daemons run as their own user and must be able to walk to them.
pub(super) fn make_folders(root: &Path) -> Result<()> {
    set_mode(root, 0o755)?;
    for (name, owner) in
        [("etc", "root"), ("etc/sasl", "root"), ("queue", "root"), ("data", "postfix"), ("mail", "nobody")]
    {
        let folder = root.join(name);
        fs::create_dir(&folder).with_context(|| format!("creating {}", folder.display()))?;
        set_mode(&folder, 0o755)?;
        give_to(owner, &folder)?;
    }
    Ok(())
}

/// Makes a user of this machine the owner of a file.
pub(super) fn give_to(user: &str, path: &Path) -> Result<()> {
    chown(path, Some(user_id(user)?), None).with_context(|| format!("giving {} to {user}", path.display()))
}

fn user_id(user: &str) -> Result<u32> {
    let output = Command::new("id").args(["-u", user]).output().context("running id")?;
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    id.parse().with_context(|| format!("there is no user {user}: the package that makes it is not installed"))
}

pub(super) fn write(
    root: &Path,
    certificates: &Certificates,
    ports: &Ports,
    policy_port: u16,
    options: &Options,
) -> Result<()> {
    let smtpd = |port: u16, extra: &str| format!("127.0.0.1:{port} inet n - n - - smtpd{extra}\n");
    let services = smtpd(ports.starttls.number(), "")
        + &smtpd(ports.implicit_tls.number(), " -o smtpd_tls_wrappermode=yes -o smtpd_tls_security_level=encrypt")
        + SERVICES;
    write_file(root, "etc/master.cf", &services)?;

    let mut parameters = parameters(root, certificates, policy_port, options)?;
    for (name, value) in &options.settings {
        parameters.retain(|(known, _)| known != name);
        parameters.push((name, value.clone()));
    }
    let main: String = parameters.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    write_file(root, "etc/main.cf", &main)?;

    let mailboxes = [Postfix::INBOX, Postfix::SECOND_INBOX, Postfix::GREYLISTED, Postfix::FULL, Postfix::BLOCKED];
    let mailboxes: String = mailboxes.iter().map(|mailbox| format!("{mailbox} {mailbox}/\n")).collect();
    write_file(root, "etc/mailboxes", &mailboxes)?;
    let answers = format!(
        "{} greylist\n{} 452 4.2.2 Mailbox full\n{} 554 5.7.1 Blocked by policy\n",
        Postfix::GREYLISTED,
        Postfix::FULL,
        Postfix::BLOCKED
    );
    write_file(root, "etc/recipients", &answers)?;
    // Here Debian's Postfix looks whatever cyrus_sasl_config_path says; others go by the parameter.
    let sasl = format!(
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN CRAM-MD5\nsasldb_path: {}\n",
        root.join(SASL_DATABASE).display()
    );
    write_file(root, "etc/sasl/smtpd.conf", &sasl)
}

fn parameters(
    root: &Path,
    certificates: &Certificates,
    policy_port: u16,
    options: &Options,
) -> Result<Vec<(&'static str, String)>> {
    let path = |name: &str| root.join(name).display().to_string();
    let texthash = |name: &str| format!("texthash:{}", path(name));
    let nobody = format!("static:{}", user_id("nobody")?);
    let yes_no = |value: bool| String::from(if value { "yes" } else { "no" });
    let trusted = if options.auth { "permit_sasl_authenticated" } else { "permit_mynetworks" };
    Ok(vec![
        ("compatibility_level", "3.6".into()),
        ("config_directory", path("etc")),
        ("queue_directory", path("queue")),
        ("data_directory", path("data")),
        ("maillog_file", path(LOG)),
        ("maillog_file_prefixes", root.display().to_string()),
        ("myhostname", "mail.example.test".into()),
        ("inet_protocols", "ipv4".into()),
        ("mynetworks", "127.0.0.0/8".into()),
        // No name server is asked anything.
        ("disable_dns_lookups", "yes".into()),
        ("smtpd_peername_lookup", "no".into()),
        // Its domain is virtual: mailboxes are files of `nobody`, not users of this machine.
        ("mydestination", String::new()),
        ("alias_maps", String::new()),
        ("alias_database", String::new()),
        ("virtual_mailbox_domains", "example.test".into()),
        ("virtual_mailbox_base", path("mail")),
        ("virtual_mailbox_maps", texthash("etc/mailboxes")),
        ("virtual_uid_maps", nobody.clone()),
        ("virtual_gid_maps", nobody),
        ("recipient_delimiter", "+".into()),
        ("default_transport", "error:5.1.2 this server sends no mail to other hosts".into()),
        // Who may send, and to whom.
        ("smtpd_relay_restrictions", format!("{trusted}, reject")),
        ("smtpd_recipient_restrictions", format!("check_recipient_access {}", texthash("etc/recipients"))),
        ("smtpd_restriction_classes", "greylist".into()),
        ("greylist", format!("check_policy_service inet:127.0.0.1:{policy_port}")),
        ("smtpd_sasl_auth_enable", yes_no(options.auth)),
        ("cyrus_sasl_config_path", path("etc/sasl")),
        ("smtpd_sasl_local_domain", "example.test".into()),
        ("smtpd_tls_auth_only", yes_no(options.starttls)),
        ("smtpd_tls_security_level", if options.starttls { "may" } else { "none" }.into()),
        ("smtpd_tls_cert_file", certificates.certificate.display().to_string()),
        ("smtpd_tls_key_file", certificates.key.display().to_string()),
        ("smtpd_tls_received_header", "yes".into()),
        // What protects a public server from strangers would only slow a test down.
        ("smtpd_error_sleep_time", "0".into()),
        ("smtpd_client_connection_count_limit", "0".into()),
        ("in_flow_delay", "0".into()),
    ])
}

fn write_file(root: &Path, name: &str, content: &str) -> Result<()> {
    let file = root.join(name);
    fs::write(&file, content).with_context(|| format!("writing {}", file.display()))?;
    set_mode(&file, 0o644)?;
    // Postfix waits up to two seconds before it believes a file that has only just changed.
    let earlier = SystemTime::now() - Duration::from_secs(60);
    File::options().write(true).open(&file)?.set_modified(earlier).with_context(|| format!("dating {}", file.display()))
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode)).with_context(|| format!("chmod {}", path.display()))
}
