//! A message as a server took it: the envelope, how it came, and the bytes.

/// A message a server took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender, empty for the null sender.
    pub from: String,
    /// The envelope's recipients. Postfix delivers each mailbox its own copy: there it is always one.
    pub to: Vec<String>,
    /// Header and body as they arrived, without dot stuffing. Lines end in CRLF, at Postfix in LF (so it stores them),
    /// and Postfix puts its own `Return-Path`, `X-Original-To`, `Delivered-To` and `Received` on top.
    pub content: Vec<u8>,
    /// The name the client gave with EHLO.
    pub helo: String,
    /// Whether the message came over TLS.
    pub tls: bool,
    /// Who authenticated, if anybody.
    pub user: Option<String>,
    /// The SASL mechanism that was used.
    pub mechanism: Option<String>,
    /// The parameters of MAIL FROM, such as `SMTPUTF8`. Postfix does not tell them.
    pub parameters: Vec<String>,
}

impl Mail {
    /// Every header field in order, unfolded, as name and value.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in self.parts().0.lines() {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    // Unfolding takes the line break out and leaves the blank (RFC 5322, 2.2.3).
                    value.push_str(line);
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name.to_owned(), value.trim_start().to_owned()));
            }
        }
        fields
    }

    /// The value of the first header field of this name, unfolded and as encoded; upper and lower case are the same.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut fields = self.headers().into_iter();
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body as it arrived: transfer encodings are not undone.
    pub fn body(&self) -> String {
        self.parts().1
    }

    /// The whole message as text, for assertions and their messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }

    fn parts(&self) -> (String, String) {
        let text = self.text();
        let end = text.find("\r\n\r\n").map(|at| (at, 4));
        match end.or_else(|| text.find("\n\n").map(|at| (at, 2))) {
            Some((at, blank_line)) => (text[..at].to_owned(), text[at + blank_line..].to_owned()),
            None => (text, String::new()),
        }
    }
}
