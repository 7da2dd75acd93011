//! Faults of the connection, whatever is spoken over it.

use connector_kit::{ConnectTo, Egress};
use rustls::ServerConfig;

use super::scene::Scene;
use crate::conformance::{
    Behaviour, Peer, Subject,
    peer::{Server, connector_over, script_of},
    sample::config,
};
use crate::{Answer, Fault, RefusedPort, TestCa};

/// Sets up the fault of this name, if it is one of the connection.
pub(super) async fn scene(subject: &Subject, name: &str) -> Option<Scene> {
    let scene = match name {
        "connection_refused" => {
            let nobody = RefusedPort::new();
            let mut scene = elsewhere(subject, "127.0.0.1", nobody.port()).await;
            scene.held = Some(Box::new(nobody));
            scene.names = hosts(subject);
            scene
        }
        "unknown_host" => {
            // A label longer than any name has is unknown without a server being asked, be there a network or none.
            let mut scene = elsewhere(subject, &format!("{}.invalid", "nobody".repeat(12)), 443).await;
            scene.names = hosts(subject);
            scene
        }
        "connect_stalled" => stalled(subject).await?,
        "certificate_untrusted" => {
            let peer = Peer::start(subject, Behaviour::Accepts).await;
            let connector = connector_over(subject, &config(subject), peer.egress_trusting(&TestCa::new()));
            uncertified(Scene::new(peer, connector))
        }
        "certificate_expired" => certified(subject, TestCa::expired).await,
        "certificate_for_another_host" => certified(subject, |authority, _| authority.wrong_host()).await,
        "tls_stalled" => accepted(subject, Fault::StallTls, "TLS", "silent").await.stalling(subject),
        "reset_before_the_message" => {
            let implicit_tls =
                matches!(subject.provider, crate::conformance::Provider::Smtp(smtp) if smtp.implicit_tls);
            let step = if implicit_tls { "TLS" } else { "GREETING" };
            accepted(subject, Fault::ResetTls, step, "reset").await
        }
        "reset_between_messages" => {
            let scene = Scene::warm(subject).await;
            match scene.peer.server() {
                Server::Http(recorder, _) => recorder.reset_connections().await,
                Server::Smtp(recorder, _) => recorder.reset_connections().await,
            }
            scene
        }
        _ => return None,
    };
    Some(scene)
}

fn hosts(subject: &Subject) -> Vec<&'static str> {
    subject.hosts.iter().map(|(host, _)| *host).collect()
}

/// Connections to the subject's hosts go to this host and port.
async fn elsewhere(subject: &Subject, host: &str, port: u16) -> Scene {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let there = |(from, from_port): &(&str, u16)| ConnectTo::new(from, *from_port, host, port);
    let egress = Egress { connect_to: subject.hosts.iter().map(there).collect(), ..peer.egress() };
    let connector = connector_over(subject, &config(subject), egress);
    Scene::new(peer, connector).before_the_message()
}

#[cfg(target_os = "linux")]
async fn stalled(subject: &Subject) -> Option<Scene> {
    let nobody = crate::StalledPort::new();
    let mut scene = elsewhere(subject, "127.0.0.1", nobody.port()).await.stalling(subject);
    scene.held = Some(Box::new(nobody));
    Some(scene)
}

/// The provider shows another certificate.
async fn certified(subject: &Subject, certificate: impl FnOnce(&TestCa, &[&str]) -> ServerConfig) -> Scene {
    let peer = Peer::with_certificate(subject, certificate).await;
    let connector = peer.connector_of(subject, &config(subject));
    uncertified(Scene::new(peer, connector))
}

fn uncertified(mut scene: Scene) -> Scene {
    scene.names = vec!["certificate"];
    scene.before_the_message()
}

/// Connections are accepted, and then this happens to them.
async fn accepted(subject: &Subject, fault: Fault, step: &str, answer: &str) -> Scene {
    let scene = Scene::cold(subject).await.before_the_message();
    match scene.peer.server() {
        Server::Http(recorder, _) => recorder.set_answers(vec![Answer::fault(fault)]),
        Server::Smtp(recorder, provider) => recorder.set_script(script_of(*provider).answer(step, &[answer])),
    }
    scene
}
