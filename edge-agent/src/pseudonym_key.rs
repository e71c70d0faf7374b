//! The site's key for pseudonyms: made once, at the first start, and kept on the gateway only.
//!
//! Losing it costs nothing but the link between old and new pseudonyms; whoever has it can test
//! guesses of credentials, so it is readable by the agent alone and never sent anywhere.

use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use gridwatch_decode::Pseudonyms;
use rand::TryRngCore;

const FILE: &str = "pseudonym.key";

/// Reads the key in the state folder, or makes one.
///
/// # Errors
/// When it can be neither read nor made, or is not 32 bytes.
pub fn load(state_dir: &Path) -> io::Result<Pseudonyms> {
    let path = state_dir.join(FILE);
    let mut key = [0; 32];
    match std::fs::File::open(&path) {
        Ok(mut file) => file.read_exact(&mut key)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            rand::rngs::OsRng
                .try_fill_bytes(&mut key)
                .map_err(io::Error::other)?;
            // Under another name first, so that a power cut leaves a whole key or none.
            let new = state_dir.join("pseudonym.key.new");
            let mut file = std::fs::OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(&key)?;
            file.sync_all()?;
            std::fs::rename(new, path)?;
        }
        Err(error) => return Err(error),
    }
    Ok(Pseudonyms::new(&key))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn key_is_made_once_for_the_agent_alone() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let one = load(dir.path()).expect("made").of("card");
        assert_eq!(load(dir.path()).expect("read").of("card"), one);
        let mode = std::fs::metadata(dir.path().join(FILE)).expect("there");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        std::fs::write(dir.path().join(FILE), "short").expect("written");
        assert!(load(dir.path()).is_err());
    }
}
