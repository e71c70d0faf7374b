//! What a file is, by its own bytes. Pure.
//!
//! Signatures: JPEG (ITU-T T.81, SOI and a marker), PNG (RFC 2083, 3.1), WebP (RFC 9649, RIFF header), PDF
//! (ISO 32000-1, 7.5.2). What is none of these is a text when all of it is UTF-8 without control
//! characters.

/// A type that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    Webp,
    /// `application/pdf`
    Pdf,
    /// `text/plain`
    Text,
}

impl Media {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
        }
    }

    /// How a file of it is sent.
    #[must_use]
    pub fn content_type(name: &str) -> &'static str {
        match name {
            "image/jpeg" => "image/jpeg",
            "image/png" => "image/png",
            "image/webp" => "image/webp",
            "application/pdf" => "application/pdf",
            "text/plain" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }

    /// How the name of a file of it ends.
    #[must_use]
    pub fn ending(name: &str) -> &'static str {
        match name {
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "image/webp" => "webp",
            "application/pdf" => "pdf",
            "text/plain" => "txt",
            _ => "bin",
        }
    }
}

/// So many bytes at the beginning tell every type but text.
const HEAD: usize = 12;

/// Looks at a file as it comes.
#[derive(Debug, Default)]
pub struct Looking {
    head: Vec<u8>,
    bytes: u64,
    /// The beginning of a character that the last part ended in.
    open: Vec<u8>,
    not_text: bool,
}

impl Looking {
    /// Looks at the next part.
    pub fn at(&mut self, part: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(&part[..part.len().min(room)]);
        self.bytes += part.len() as u64;
        if self.not_text || part.is_empty() {
            return;
        }
        let mut joined = std::mem::take(&mut self.open);
        joined.extend_from_slice(part);
        let text = match std::str::from_utf8(&joined) {
            Ok(text) => text,
            // A character may go on in the next part; it has four bytes at most.
            Err(error) if error.error_len().is_none() => {
                let (whole, open) = joined.split_at(error.valid_up_to());
                self.open = open.to_vec();
                std::str::from_utf8(whole).unwrap_or("\0")
            }
            Err(_) => "\0",
        };
        let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        self.not_text = text.contains(strange);
    }

    /// What it was.
    #[must_use]
    pub fn end(&self) -> Option<Media> {
        let head = self.head.as_slice();
        if head.starts_with(&[0xff, 0xd8, 0xff]) {
            return Some(Media::Jpeg);
        }
        if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Some(Media::Png);
        }
        if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            return Some(Media::Webp);
        }
        if head.starts_with(b"%PDF-") {
            return Some(Media::Pdf);
        }
        let text = !self.not_text && self.open.is_empty() && self.bytes > 0;
        text.then_some(Media::Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn look(parts: &[&[u8]]) -> Option<Media> {
        let mut looking = Looking::default();
        for part in parts {
            looking.at(part);
        }
        looking.end()
    }

    #[test]
    fn types_are_told_by_their_own_bytes() {
        assert_eq!(
            look(&[&[0xff, 0xd8, 0xff, 0xe0], b"JFIF"]),
            Some(Media::Jpeg)
        );
        assert_eq!(look(&[b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"]), Some(Media::Png));
        assert_eq!(
            look(&[b"RI", b"FF\x10\0\0\0WE", b"BPVP8 "]),
            Some(Media::Webp)
        );
        assert_eq!(look(&[b"%PDF-1.7\n"]), Some(Media::Pdf));
        assert_eq!(look(&["现场记录\n".as_bytes()]), Some(Media::Text));
    }

    #[test]
    fn everything_else_is_refused() {
        for bytes in [
            b"".as_slice(),
            b"GIF89a\x01\0",
            b"RIFF\x10\0\0\0WAVEfmt \x10\0",
            b"PK\x03\x04",
            b"\xfe\xff\0a",
            b"MZ\x90\0",
            &[0xe7, 0x8e],
        ] {
            assert_eq!(look(&[bytes]), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn how_a_file_is_cut_into_parts_makes_no_difference(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            text in "\\PC{0,30}",
            cuts in prop::collection::vec(1usize..7, 0..40),
        ) {
            for whole in [bytes.as_slice(), text.as_bytes()] {
                let mut looking = Looking::default();
                let mut rest = whole;
                for cut in &cuts {
                    let (part, after) = rest.split_at((*cut).min(rest.len()));
                    looking.at(part);
                    rest = after;
                }
                looking.at(rest);
                prop_assert_eq!(looking.end(), look(&[whole]));
            }
        }
    }
}
