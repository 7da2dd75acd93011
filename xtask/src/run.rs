//! Running other programs, cargo above all.

use anyhow::{Context as _, Result, bail};
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// The cargo that runs us, in the workspace's root.
pub fn cargo<S: AsRef<OsStr>>(root: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(args);
    // `cargo run` describes xtask to us in the environment. Handed on, it would make build scripts that look at these
    // variables (ring's, for one) run again at every turn between our builds and a person's own.
    for (name, _) in std::env::vars_os() {
        let of_xtask = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || matches!(name, "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH")
        });
        if of_xtask {
            command.env_remove(name);
        }
    }
    command
}

/// Runs it with its output on the terminal; when it fails, that is the problem.
pub fn shown(command: &mut Command) -> Result<Vec<String>> {
    let status = command.status().with_context(|| format!("{} did not start", program(command)))?;
    Ok(if status.success() { Vec::new() } else { vec![format!("`{}` failed ({status})", line(command))] })
}

/// Runs it with its output on the terminal. Gives the problem, where it fails, and what it wrote to standard error.
pub fn told(command: &mut Command) -> Result<(Option<String>, String)> {
    let not_started = format!("{} did not start", program(command));
    let mut child = command.stderr(Stdio::piped()).spawn().context(not_started)?;
    let mut said = String::new();
    for line in child.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).lines()).map_while(Result::ok)
    {
        eprintln!("{line}");
        said += &line;
        said.push('\n');
    }
    let status = child.wait()?;
    let problem = (!status.success()).then(|| format!("`{}` failed ({status})", line(command)));
    Ok((problem, said))
}

/// Runs it and gives its standard output; when it fails, the error holds what it wrote.
pub fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("{} did not start", program(command)))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if !output.status.success() {
        bail!("`{}` failed ({}):\n{}{}", line(command), output.status, text(&output.stdout), text(&output.stderr));
    }
    Ok(text(&output.stdout))
}

fn program(command: &Command) -> String {
    Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once(program(command)).chain(args).collect::<Vec<_>>().join(" ")
}
