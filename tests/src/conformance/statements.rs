//! The statements of both standards, from `tests/conformance/`.

use std::fs;

use super::folder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    V5,
    V311,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Server,
    Client,
    Both,
}

/// What stands where no test can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    None,
    /// Why nobody can see it from outside, or why it is not the broker's to do.
    Reason(String),
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub standard: Standard,
    /// As marks have it: `MQTT-3.1.0-1`, and `MQTT311-3.1.0-1` for the older standard.
    pub id: String,
    pub who: Who,
    pub words: String,
    pub note: Note,
}

impl Statement {
    /// `MQTT-3.1.0-1`: section `3.1.0`, number 1.
    pub fn section_and_number(&self) -> (String, u32) {
        let (section, number) = self.id.rsplit_once('-').expect("an id ends in its number");
        let (_, section) = section.split_once('-').expect("an id has a section");
        (section.to_owned(), number.parse().expect("a number"))
    }

    pub fn chapter(&self) -> char {
        self.section_and_number().0.chars().next().unwrap()
    }
}

/// Of both standards, in their order; stops at the first line that is none.
pub fn statements() -> Vec<Statement> {
    let mut all = Vec::new();
    for (standard, file) in [(Standard::V5, "mqtt5.txt"), (Standard::V311, "mqtt311.txt")] {
        let text = fs::read_to_string(folder("conformance").join(file)).unwrap();
        for (number, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let statement = parse(standard, line);
            all.push(statement.unwrap_or_else(|what| panic!("{file}:{}: {what}", number + 1)));
        }
    }
    all
}

fn parse(standard: Standard, line: &str) -> Result<Statement, String> {
    let mut fields = line.splitn(4, " | ");
    let mut field = |name| fields.next().ok_or(format!("no {name}"));
    let (id, who, words) = (field("id")?, field("who")?, field("statement")?);
    let number = id.strip_prefix("MQTT-").ok_or("an id begins with MQTT-")?;
    let who = match who {
        "server" => Who::Server,
        "client" => Who::Client,
        "both" => Who::Both,
        _ => return Err(format!("'{who}' must be server, client or both")),
    };
    let prefix = match standard {
        Standard::V5 => "MQTT",
        Standard::V311 => "MQTT311",
    };
    Ok(Statement {
        standard,
        id: format!("{prefix}-{number}"),
        who,
        words: words.to_owned(),
        note: fields.next().map_or(Ok(Note::None), note)?,
    })
}

fn note(text: &str) -> Result<Note, String> {
    match text.split_once(": ") {
        Some(("reason", why)) => Ok(Note::Reason(why.to_owned())),
        _ => Err(format!("'{text}' must be 'reason: ...'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_or_its_fault_is_told() {
        let line = "MQTT-3.1.0-1 | client | the first packet is CONNECT";
        let statement = parse(Standard::V311, line).unwrap();
        assert_eq!(statement.id, "MQTT311-3.1.0-1");
        assert_eq!(statement.section_and_number(), ("3.1.0".to_owned(), 1));
        assert_eq!((statement.who, statement.note), (Who::Client, Note::None));
        let with = |note: &str| parse(Standard::V5, &format!("{line} | {note}"));
        let reason = with("reason: binds the client: | and more").unwrap();
        let words = "binds the client: | and more".to_owned();
        assert_eq!(reason.note, Note::Reason(words));
        for wrong in ["reason", "because: so", "pending: a feature"] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
        assert!(parse(Standard::V5, "MQTT-3.1.0-1 | client").is_err());
        assert!(parse(Standard::V5, "MQTT-3.1.0-1 | broker | words").is_err());
    }
}
