//! Reading files that people name.

use std::io::{self, Read as _};
use std::path::Path;

/// The whole file, or an error that says why not; never more than `max` bytes.
pub fn read_file(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path)?
        .take(limit)
        .read_to_end(&mut bytes)?;
    if bytes.len() > max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the file is larger than {max} bytes"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_up_to_the_limit() {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), "1234").expect("write");
        assert_eq!(read_file(file.path(), 4).expect("reads"), b"1234");
        assert_eq!(
            read_file(file.path(), 3)
                .expect_err("too large")
                .to_string(),
            "the file is larger than 3 bytes"
        );
        assert!(read_file(Path::new("/none/there"), 3).is_err());
    }
}
