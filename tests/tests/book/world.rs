//! Where a page's commands are run: a folder of its own, with the providers that the pages name on this machine.

use super::block::{Block, How};
use connector_testkit::{
    Answer, HttpRecorder, PostgresServer, RecorderOptions, RefusedPort, SmtpRecorder, SmtpRecorderOptions, SmtpScript,
    TestCa, parse_mail,
};
use e2e::{Desk, PATIENCE, Ran, Running, binary, until};
use serde_json::json;
use std::net::{TcpListener, TcpStream};

/// How a page names the reader's own database.
const DATABASE: &str = "postgres://email_connectors@db.example.com/email_connectors?sslmode=verify-full";

pub struct World {
    desk: Desk,
    smtp: SmtpRecorder,
    running: Vec<Running>,
    /// Ports that the page names, and those that they are here.
    ports: Vec<(u16, u16)>,
    database: Option<PostgresServer>,
    _providers: [HttpRecorder; 2],
    _nobody: RefusedPort,
}

impl World {
    /// A folder in which `email-connectors` reaches `smtp.example.com`, SendGrid and Mailgun on this machine, and nobody else.
    pub async fn new(blocks: &[Block]) -> Self {
        let desk = Desk::new().unwrap();
        let ca = TestCa::new();
        desk.write("ca.pem", &ca.root_pem()).unwrap();

        let script = SmtpScript::offering(&["STARTTLS", "AUTH PLAIN LOGIN"]);
        let options = SmtpRecorderOptions { tls: Some(ca.server_config(&["smtp.example.com"])), script };
        let smtp = SmtpRecorder::start(options).await;
        let provider = |host: &'static str, answer: Answer| {
            HttpRecorder::start(RecorderOptions { tls: Some(ca.server_config(&[host])), answers: vec![answer] })
        };
        let sendgrid = provider("api.sendgrid.com", Answer::status(202).header("x-message-id", "14c5d75ce93")).await;
        let queued = json!({ "id": "<20300102.1@mg.example.com>", "message": "Queued. Thank you." });
        let mailgun = provider("api.eu.mailgun.net", Answer::status(200).json(queued)).await;
        let nobody = RefusedPort::new();

        let named = blocks.iter().filter_map(|block| match block.how {
            How::Background(port) => Some((port, free_port())),
            _ => None,
        });
        let ports: Vec<(u16, u16)> = named.collect();
        let mut routes = vec![
            format!("smtp.example.com:587:127.0.0.1:{}", smtp.port()),
            format!("api.sendgrid.com:443:127.0.0.1:{}", sendgrid.port()),
            format!("api.eu.mailgun.net:443:127.0.0.1:{}", mailgun.port()),
        ];
        routes.extend(ports.iter().map(|(_, port)| format!("127.0.0.1:{port}:127.0.0.1:{port}")));
        // The first that fits is taken.
        routes.push(format!("::127.0.0.1:{}", nobody.port()));
        desk.program("email-connectors", &stand_in(&desk, &routes)).unwrap();
        let database = blocks.iter().any(|block| block.code.contains(DATABASE)).then(PostgresServer::start);
        Self { desk, smtp, running: Vec::new(), ports, database, _providers: [sendgrid, mailgun], _nobody: nobody }
    }

    pub fn write(&self, file: &str, content: &str) {
        self.desk.write(file, &self.here(content)).unwrap();
    }

    /// Runs a block, with the code of the last mail in place of the page's where that is wanted.
    pub async fn run(&self, block: &str, with_code: bool) -> Ran {
        let mut line = self.here(block);
        if with_code {
            line = line.replace("123456", &self.last_code());
        }
        self.desk.shell(&line).unwrap()
    }

    /// Starts a block that runs until the page ends, and waits until it takes connections.
    pub fn start(&mut self, block: &str, port: u16) {
        let mut running = self.desk.start(&self.here(block)).unwrap();
        let (_, port) = *self.ports.iter().find(|(named, _)| *named == port).unwrap();
        let ready = until(PATIENCE, "the block to take connections", || {
            running.check()?;
            Ok(TcpStream::connect(("127.0.0.1", port)).ok())
        });
        ready.unwrap_or_else(|error| panic!("{block}: {error:#}"));
        self.running.push(running);
    }

    /// A page's text with the ports and the database of here.
    fn here(&self, text: &str) -> String {
        let text = match &self.database {
            Some(database) => text.replace(DATABASE, &database.url()),
            None => text.to_owned(),
        };
        self.ports.iter().fold(text, |text, (named, port)| text.replace(&named.to_string(), &port.to_string()))
    }

    fn last_code(&self) -> String {
        let mails = self.smtp.messages();
        let mail = parse_mail(&mails.last().expect("a mail with the code").source);
        let text = format!("{mail:?}");
        let code = text.split(|char: char| !char.is_ascii_digit()).find(|digits| digits.len() == 6);
        code.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
    }
}

/// The real binary, at home in the desk; where it sends, it finds the routes' ends, and trusts the authority of here.
fn stand_in(desk: &Desk, routes: &[String]) -> String {
    let home = desk.path().display();
    let binary = binary().unwrap();
    let flags: String = routes.iter().map(|route| format!(" --connect-to {route}")).collect();
    format!(
        "#!/bin/sh\nunset XDG_DATA_HOME\nexport HOME='{home}'\ncase \"$1 $2\" in\n\
         'code verify') ;;\n'send '*|'test '*|'setup '*|'change '*|'code '*) set -- \"$@\" --cacert '{home}/ca.pem'{flags} ;;\nesac\n\
         exec '{}' \"$@\"\n",
        binary.display()
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
