//! Which test proves which statement of the standards: read from marks on the tests, written to `docs/conformance.md`.

mod marks;
mod page;
mod statements;

pub use marks::{Mark, marks};
pub use page::{page, problems};
pub use statements::{Note, Standard, Statement, Who, statements};

use std::path::PathBuf;

use crate::charts::root;

fn folder(name: &str) -> PathBuf {
    root().join("tests").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::check_generated;

    #[test]
    fn every_statement_has_a_test_or_a_reason() {
        let (statements, marks) = (statements(), marks());
        let problems = problems(&statements, &marks);
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    #[test]
    fn the_page_is_current() {
        let path = root().join("docs/conformance.md");
        check_generated(&path, &page(&statements(), &marks()));
    }

    /// What others counted in the standards' own appendices.
    #[test]
    fn no_statement_is_left_out() {
        let statements = statements();
        let count = |standard, chapter: char| {
            let of = |it: &&Statement| it.standard == standard && it.chapter() == chapter;
            statements.iter().filter(of).count()
        };
        let chapters = ['1', '2', '3', '4', '5', '6', '7'];
        assert_eq!(
            chapters.map(|it| count(Standard::V5, it)),
            [5, 7, 175, 60, 0, 4, 0]
        );
        assert_eq!(
            chapters.map(|it| count(Standard::V311, it)),
            [3, 9, 95, 26, 0, 4, 4]
        );
    }

    /// Within a section the statements are numbered from 1 without a gap, but for the one gap that the standard has.
    #[test]
    fn the_numbers_have_no_gaps() {
        let mut last = (Standard::V5, String::new(), 0);
        for statement in statements() {
            let (section, number) = statement.section_and_number();
            let same = last.0 == statement.standard && last.1 == section;
            let first = if section == "2.2.1" && statement.standard == Standard::V5 {
                2
            } else {
                1
            };
            let expected = if same { last.2 + 1 } else { first };
            assert_eq!(number, expected, "{}", statement.id);
            last = (statement.standard, section, number);
        }
    }
}
