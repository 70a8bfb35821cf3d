//! Marks on tests: `proves!("MQTT-3.1.0-1");` as the first line of a test in `tests/tests/conformance/`.

use std::fs;

use super::folder;

/// One test and what it says to prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// As the test runner names it in `process_conformance`.
    pub test: String,
    pub ids: Vec<String>,
}

/// Of all tests, by file and place in it; stops at a test without a mark.
pub fn marks() -> Vec<Mark> {
    let mut files: Vec<_> = fs::read_dir(folder("tests/conformance"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let module = path.file_stem().unwrap().to_str().unwrap();
        let source = fs::read_to_string(&path).unwrap();
        match read(module, &source) {
            Ok(marks) => all.extend(marks),
            Err(what) => panic!("{}: {what}", path.display()),
        }
    }
    all
}

fn read(module: &str, source: &str) -> Result<Vec<Mark>, String> {
    let mut marks = Vec::new();
    for part in source.split("#[test]\n").skip(1) {
        let (head, body) = part.split_once("{\n").ok_or("a test without a body")?;
        let name = head
            .trim()
            .strip_prefix("fn ")
            .and_then(|head| head.strip_suffix("()"))
            .ok_or_else(|| format!("'{head}' is no plain test; none may be ignored"))?;
        let ids = body
            .trim_start()
            .strip_prefix("proves!(")
            .and_then(|rest| rest.split_once(");"))
            .map(|(ids, _)| literals(ids))
            .filter(|ids| !ids.is_empty())
            .ok_or_else(|| format!("{name} does not begin with proves!(...);"))?;
        let test = format!("conformance::{module}::{name}");
        marks.push(Mark { test, ids });
    }
    Ok(marks)
}

fn literals(text: &str) -> Vec<String> {
    text.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_and_tests_without_one_refused() {
        let good = "#[test]\nfn a() {\n    proves!(\n        \"X-1\",\n        \"X-2\"\n    );\n}\n\
                    #[test]\nfn b() {\n    proves!(\"X-3\");\n    work(\"X-4\");\n}\n";
        let marks = read("m", good).unwrap();
        let found: Vec<_> = marks
            .iter()
            .map(|it| (&*it.test, it.ids.join(" ")))
            .collect();
        let expected = [
            ("conformance::m::a", "X-1 X-2".to_owned()),
            ("conformance::m::b", "X-3".to_owned()),
        ];
        assert_eq!(found, expected);
        for bad in [
            "#[test]\nfn a() {\n    work();\n}\n",
            "#[test]\nfn a() {\n    proves!();\n}\n",
            "#[test]\n#[ignore]\nfn a() {\n    proves!(\"X-1\");\n}\n",
        ] {
            assert!(read("m", bad).is_err(), "{bad}");
        }
    }
}
