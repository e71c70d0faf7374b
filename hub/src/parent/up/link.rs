//! How far the parent has come, and what to send next. Pure.
//!
//! Two ways to go on: to **follow** the numbers of events, or a **pass** over all cases when following
//! cannot be right: at the first time, when the own store was restored (its cases may have gone back), when
//! events that the parent lacks are no longer kept, and when other cases are wanted than before.

use gridwatch_protocol::UpwardMark;

/// A pass over the cases that the parent has or is to have, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// The newest event when it began: what comes later is followed afterwards.
    pub head: i64,
    /// Cases up to this one are done.
    pub case: i64,
}

/// How far the parent has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The life of the own store that `sequence` belongs to.
    pub epoch: i64,
    /// Events up to this one are settled, unless a pass is under way.
    pub sequence: i64,
    /// The life of the parent's store that answered.
    pub parent_epoch: i64,
    /// A pass that is under way.
    pub pass: Option<Pass>,
}

/// What the own store is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// The life of the store.
    pub epoch: i64,
    /// The newest event.
    pub newest: i64,
    /// The oldest event that is kept; one more than `newest` when none is.
    pub oldest: i64,
}

/// What the parent said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Up to where nothing is missing there.
    pub known: Option<UpwardMark>,
    /// The life of its store.
    pub parent_epoch: i64,
}

/// The parent knows more of this life of the store than the store itself: somebody put an older file in its
/// place. Numbers would be used twice, so nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the parent knows events up to {} of epoch {}, this store ends at {} of epoch {}: it was set back by copying a file. Restore a backup with `hub restore`, which begins a new epoch",
    known.sequence, known.epoch, own.newest, own.epoch
)]
pub struct SetBack {
    /// What the parent knows.
    pub known: UpwardMark,
    /// What the store has.
    pub own: Own,
}

/// Where to go on, given what the parent says now.
///
/// # Errors
/// [`SetBack`].
pub fn reconcile(link: Option<Link>, own: Own, told: Told) -> Result<Link, SetBack> {
    let mark = |epoch, sequence| UpwardMark { epoch, sequence };
    if let Some(known) = told.known
        && known > mark(own.epoch, own.newest)
    {
        return Err(SetBack { known, own });
    }
    let anew = Link {
        epoch: own.epoch,
        sequence: 0,
        parent_epoch: told.parent_epoch,
        pass: Some(Pass {
            head: own.newest,
            case: 0,
        }),
    };
    let Some(link) = link.filter(|link| link.epoch == own.epoch) else {
        return Ok(anew);
    };
    let same_parent = link.parent_epoch == told.parent_epoch;
    if link.pass.is_some() {
        // What was sent of it is there only if the parent was not restored meanwhile.
        return Ok(if same_parent { link } else { anew });
    }
    let Some(known) = told.known.filter(|known| known.epoch == own.epoch) else {
        return Ok(anew);
    };
    let link = Link {
        sequence: link.sequence.min(known.sequence),
        parent_epoch: told.parent_epoch,
        ..link
    };
    Ok(if link.sequence + 1 < own.oldest {
        anew
    } else {
        link
    })
}

/// What one batch covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// Events after `after` up to `through`.
    Events {
        /// Not this one.
        after: i64,
        /// This one too.
        through: i64,
    },
    /// Cases up to this one.
    Cases {
        /// This one too.
        through: i64,
        /// Whether the pass ends with it.
        ends: bool,
    },
}

/// After the parent has answered a batch.
///
/// # Errors
/// [`SetBack`].
pub fn settled(link: Link, covers: Covers, own: Own, told: Told) -> Result<Link, SetBack> {
    let moved = match (covers, link.pass) {
        (Covers::Events { through, .. }, _) => Link {
            sequence: link.sequence.max(through),
            ..link
        },
        (Covers::Cases { ends: true, .. }, Some(pass)) => Link {
            sequence: pass.head,
            pass: None,
            ..link
        },
        (Covers::Cases { through, .. }, Some(pass)) => Link {
            pass: Some(Pass {
                case: through,
                ..pass
            }),
            ..link
        },
        (Covers::Cases { .. }, None) => link,
    };
    reconcile(Some(moved), own, told)
}

/// The parent's side: its mark after a batch. `after` is `None` in a pass.
#[must_use]
pub fn next_known(
    known: Option<UpwardMark>,
    epoch: i64,
    after: Option<i64>,
    through: Option<i64>,
) -> Option<UpwardMark> {
    let Some(sequence) = through else {
        return known;
    };
    let new = UpwardMark { epoch, sequence };
    let joins = match (after, known) {
        (None, _) => true,
        (Some(after), Some(known)) => known.epoch == epoch && after <= known.sequence,
        (Some(_), None) => false,
    };
    if !joins {
        return known;
    }
    Some(known.map_or(new, |known| known.max(new)))
}

#[cfg(test)]
mod tests;
