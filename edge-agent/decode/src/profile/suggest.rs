//! "Did you mean …": the nearest known word to a mistyped one.

/// Words further apart than this are not mistyped but other words.
const DISTANCE_MAX: usize = 3;
/// Longer words are not compared: nobody mistypes a paragraph.
const LETTERS_MAX: usize = 64;

/// The known word that was probably meant.
#[must_use]
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= DISTANCE_MAX.min(candidate.chars().count().max(2) / 2)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ", did you mean `…`?" or nothing.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

/// An error of the TOML reader, which names line and column, with the nearest key it expected.
pub(super) fn explained(error: &toml::de::Error) -> String {
    let text = error.to_string().trim_end().to_owned();
    let message = error.message();
    let unknown = ["unknown field", "unknown variant"]
        .iter()
        .any(|start| message.starts_with(start));
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((word, known)) if unknown => text + &did_you_mean(word, known.iter().copied()),
        _ => text,
    }
}

/// Changes of single letters (added, left out, changed, swapped with the next) from one word to another.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().take(LETTERS_MAX).collect();
    let other: Vec<char> = other.chars().take(LETTERS_MAX).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, against) in other.iter().enumerate() {
            let changed = last[column] + usize::from(letter != against);
            let mut best = changed.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && *letter == other[column - 1] && one[row - 1] == *against {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_is_told_from_another_word() {
        let known = ["temperature", "humidity", "smoke", "door", "gas"];
        assert_eq!(nearest("temprature", known), Some("temperature"));
        assert_eq!(nearest("Smoek", known), Some("smoke"));
        assert_eq!(nearest("radiation", known), None);
        assert_eq!(nearest("", known), None);
    }
}
