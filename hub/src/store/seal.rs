//! Signed ends of the chains, kept outside the store.
//!
//! Who can change the database can also write a chain that fits from some link to its end. What was signed before
//! and written elsewhere shows it: a link that was signed must still be there with the same hash. The heads are
//! lines of JSON in `audit-heads.jsonl` in the data directory and lines of the log; the key is `audit.key` beside
//! it. Lines are only ever added. A restored store begins a new epoch, and the restore itself signs that: what
//! older heads say about links beyond it is lost, not hidden.
//!
//! It cannot show a change that was made before the next head was signed by somebody who then also rewrote
//! the chain; sign often, and send the log elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use gridwatch_protocol::{ChainEnd, SealedHeads, Timestamp};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::Store;
use super::backup::Epoch;
use super::chain::{Chain, Head};
use crate::certificates::write_new;

/// The key that signs, in the data directory.
pub const KEY_FILE: &str = "audit.key";
/// The heads that were signed, in the data directory.
pub const HEADS_FILE: &str = "audit-heads.jsonl";

/// The ends of both chains at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heads {
    /// How often the store was restored, plus one.
    pub epoch: i64,
    /// Whether a restore signed it, as the beginning of its epoch.
    pub restored: bool,
    /// When.
    pub at: Timestamp,
    /// End of the audit.
    pub audit: Head,
    /// End of the histories of cases.
    pub transitions: Head,
}

impl Heads {
    /// The end of a chain.
    #[must_use]
    pub fn of(&self, chain: Chain) -> &Head {
        match chain {
            Chain::Audit => &self.audit,
            Chain::Transitions => &self.transitions,
        }
    }

    fn to_sign(&self) -> Vec<u8> {
        let Self {
            epoch,
            restored,
            at,
            audit,
            transitions,
        } = self;
        format!(
            "gridwatch heads 1\n{epoch}\n{restored}\n{}\n{} {}\n{} {}\n",
            at.unix_ms(),
            audit.links,
            audit.hash,
            transitions.links,
            transitions.hash
        )
        .into_bytes()
    }
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHeads {
    /// What was signed.
    #[serde(flatten)]
    pub heads: Heads,
    /// Ed25519 signature, as hexadecimal text.
    pub signature: String,
}

impl From<SignedHeads> for SealedHeads {
    fn from(line: SignedHeads) -> Self {
        let end = |head: &Head| ChainEnd {
            links: head.links,
            hash: head.hash.clone(),
        };
        Self {
            epoch: line.heads.epoch,
            restored: line.heads.restored,
            at: line.heads.at,
            audit: end(&line.heads.audit),
            transitions: end(&line.heads.transitions),
            signature: line.signature,
        }
    }
}

impl From<SealedHeads> for SignedHeads {
    fn from(line: SealedHeads) -> Self {
        let head = |end: ChainEnd| Head {
            links: end.links,
            hash: end.hash,
        };
        Self {
            heads: Heads {
                epoch: line.epoch,
                restored: line.restored,
                at: line.at,
                audit: head(line.audit),
                transitions: head(line.transitions),
            },
            signature: line.signature,
        }
    }
}

impl SignedHeads {
    /// Whether this public key (hexadecimal) belongs to the key that signed it.
    #[must_use]
    pub fn is_signed_by(&self, public_key: &str) -> bool {
        let (Ok(key), Ok(signature)) = (hex::decode(public_key), hex::decode(&self.signature))
        else {
            return false;
        };
        UnparsedPublicKey::new(&ED25519, key)
            .verify(&self.heads.to_sign(), &signature)
            .is_ok()
    }
}

/// The public half of the key in this data directory, in hexadecimal.
///
/// # Errors
/// When the key cannot be read.
pub fn public_key(data_dir: &Path) -> Result<String> {
    let key = read_key(&data_dir.join(KEY_FILE))?;
    Ok(hex::encode(key.public_key().as_ref()))
}

/// Signs heads and keeps them.
#[derive(Debug)]
pub struct Seal {
    key: Ed25519KeyPair,
    file: PathBuf,
    last: Option<SignedHeads>,
}

/// A head with the key that signed it: what is kept elsewhere, and what `hub audit verify --heads` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHead {
    /// The head.
    #[serde(flatten)]
    pub line: SignedHeads,
    /// Public key, in hexadecimal.
    pub public_key: String,
}

impl Seal {
    /// With the key in this directory, which is made when there is none.
    ///
    /// # Errors
    /// When key or file cannot be read or made.
    pub fn open(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(KEY_FILE);
        if !fs::exists(&path).with_context(|| format!("looking for `{}`", path.display()))? {
            let made = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new())
                .map_err(|_| anyhow!("the system gives no random numbers"))?;
            write_new(&path, &hex::encode(made.as_ref()), 0o600)?;
        }
        let key = read_key(&path)?;
        let file = data_dir.join(HEADS_FILE);
        let last = read_heads(&file)?.lines.pop();
        Ok(Self { key, file, last })
    }

    /// The newest head, to be kept elsewhere.
    #[must_use]
    pub fn newest(&self) -> Option<KeptHead> {
        self.last.clone().map(|line| KeptHead {
            line,
            public_key: hex::encode(self.key.public_key().as_ref()),
        })
    }

    /// Signs the present ends and keeps them, in the file and in the log; nothing when nothing was added
    /// since the last time.
    ///
    /// # Errors
    /// When the store does not answer or the file cannot be written.
    pub async fn sign(
        &mut self,
        store: &Store,
        restored: bool,
        now: Timestamp,
    ) -> Result<Option<SignedHeads>> {
        let heads = Heads {
            epoch: store.epochs().await?.last().map_or(1, |epoch| epoch.epoch),
            restored,
            at: now,
            audit: store.chain_head(Chain::Audit).await?,
            transitions: store.chain_head(Chain::Transitions).await?,
        };
        let same = |last: &SignedHeads| {
            let last = &last.heads;
            let last = (last.epoch, &last.audit, &last.transitions);
            last == (heads.epoch, &heads.audit, &heads.transitions)
        };
        if !restored && self.last.as_ref().is_some_and(same) {
            return Ok(None);
        }
        let signature = hex::encode(self.key.sign(&heads.to_sign()));
        let signed = SignedHeads { heads, signature };
        self.append(&signed)?;
        let SignedHeads { heads, signature } = &signed;
        tracing::info!(
            epoch = heads.epoch,
            audit_links = heads.audit.links,
            audit_hash = heads.audit.hash,
            transition_links = heads.transitions.links,
            transition_hash = heads.transitions.hash,
            signature,
            "signed the ends of audit and case histories"
        );
        self.last = Some(signed.clone());
        Ok(Some(signed))
    }

    fn append(&self, signed: &SignedHeads) -> Result<()> {
        let context = || format!("writing `{}`", self.file.display());
        let mut line = super::to_json(signed);
        line.push('\n');
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.file)
            .with_context(context)?;
        file.write_all(line.as_bytes()).with_context(context)?;
        file.sync_all().with_context(context)?;
        // The name of a new file is on disk only with its directory.
        let directory = self.file.parent().unwrap_or(Path::new("."));
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .with_context(context)
    }
}

fn read_key(path: &Path) -> Result<Ed25519KeyPair> {
    let text = fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))?;
    let bytes = hex::decode(text.trim()).ok();
    bytes
        .and_then(|bytes| Ed25519KeyPair::from_pkcs8(&bytes).ok())
        .ok_or_else(|| anyhow!("`{}` does not hold a signing key; put the right one back, or remove it to begin with a new one: heads signed before then fit no more", path.display()))
}

/// The heads that were signed, and what is wrong with the file.
#[derive(Debug, Default)]
pub struct Kept {
    /// The lines that can be read.
    pub lines: Vec<SignedHeads>,
    /// Lines that cannot, one sentence each.
    pub problems: Vec<String>,
}

/// Reads the file; one that is not there has no lines. A last line without an end was cut by a crash
/// and counts for nothing.
///
/// # Errors
/// When it is there and cannot be read.
pub fn read_heads(path: &Path) -> Result<Kept> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Kept::default()),
        Err(error) => bail!("reading `{}`: {error}", path.display()),
    };
    let mut kept = Kept::default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for (number, line) in (1..).zip(whole.lines()) {
        match serde_json::from_str(line) {
            Ok(signed) => kept.lines.push(signed),
            Err(error) => kept.problems.push(format!(
                "line {number} of `{}` cannot be read: {error}",
                path.display()
            )),
        }
    }
    Ok(kept)
}

/// What comparing the store with the signed heads showed.
#[derive(Debug, Default)]
pub struct Report {
    /// How many links each chain has.
    pub links: Vec<(Chain, i64)>,
    /// How many signed heads were compared.
    pub heads: usize,
    /// What is wrong, one sentence each; nothing when all is well.
    pub problems: Vec<String>,
    /// What is no proof of a change but must be known.
    pub notes: Vec<String>,
}

/// Reads both chains and compares them with every signed head in the data directory. Changes nothing.
///
/// # Errors
/// When store, key or file cannot be read.
pub async fn verify(store: &Store, data_dir: &Path) -> Result<Report> {
    verify_with(store, data_dir, None).await
}

/// As [`verify`], and compares with heads that were kept elsewhere, too: `outside` is a file with what
/// `GET /api/v1/children/{hub}/heads` of the parent gave, or with the events that a webhook has received.
///
/// # Errors
/// When store, key or a file cannot be read.
pub async fn verify_with(store: &Store, data_dir: &Path, outside: Option<&Path>) -> Result<Report> {
    let mut kept = read_heads(&data_dir.join(HEADS_FILE))?;
    let outside = outside.map(read_outside).transpose()?;
    let mut report = Report {
        heads: kept.lines.len(),
        problems: kept.problems,
        ..Report::default()
    };
    if kept.lines.is_empty() {
        report.notes.push(
            "no head was signed yet: a chain whose end was cut off and made to fit cannot be told from a whole one".to_owned(),
        );
    } else {
        let key = read_key(&data_dir.join(KEY_FILE))?;
        check_signatures(&key, &kept.lines, &mut report);
    }
    if let Some(outside) = outside {
        take_outside(data_dir, outside, &mut kept.lines, &mut report);
    }
    let epochs = store.epochs().await?;
    for epoch in epochs.iter().filter(|epoch| epoch.epoch > 1) {
        let signed = |line: &SignedHeads| line.heads.epoch == epoch.epoch && line.heads.restored;
        if !kept.lines.iter().any(signed) {
            report.problems.push(format!(
                "epoch {} says that a backup was restored at {}, but no restore signed that here; where the restore was done, `{HEADS_FILE}` has its line",
                epoch.epoch, epoch.at
            ));
        }
    }
    for chain in Chain::ALL {
        let wanted: Vec<i64> = kept.lines.iter().map(|l| l.heads.of(chain).links).collect();
        let verified = store.verify_chain(chain, &wanted).await?;
        let name = chain.name();
        let broken = verified.broken.iter();
        report
            .problems
            .extend(broken.map(|b| format!("{name}, link {}: {}", b.link, b.what)));
        for line in &kept.lines {
            compare(chain, &line.heads, &epochs, &verified.at, &mut report);
        }
        report.links.push((chain, verified.head.links));
    }
    Ok(report)
}

/// What a file with such heads holds: pages of a parent, events that a webhook has received, or heads, one after
/// the other.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Outside {
    Page { items: Vec<KeptHead> },
    Event { data: Box<KeptHead> },
    Head(Box<KeptHead>),
}

/// The heads of a text in any of the forms in which they are kept elsewhere, one after the other.
///
/// # Errors
/// When a part of it is none of them.
pub fn parse_kept(text: &str) -> serde_json::Result<Vec<KeptHead>> {
    let mut heads = Vec::new();
    for part in serde_json::Deserializer::from_str(text).into_iter::<Outside>() {
        match part? {
            Outside::Page { items } => heads.extend(items),
            Outside::Event { data: head } | Outside::Head(head) => heads.push(*head),
        }
    }
    Ok(heads)
}

fn read_outside(path: &Path) -> Result<Vec<KeptHead>> {
    let context = || format!("reading heads of `{}`", path.display());
    let text = fs::read_to_string(path).with_context(context)?;
    let heads = parse_kept(&text).with_context(context)?;
    if heads.is_empty() {
        bail!(
            "`{}` holds no heads; `GET /api/v1/children/HUB/heads` of the parent gives them, and a webhook with `audit_heads = true` gets them",
            path.display()
        );
    }
    Ok(heads)
}

/// Joins heads from elsewhere to those that are here. One that this machine does not have was signed by
/// it all the same: its key says so.
fn take_outside(
    data_dir: &Path,
    outside: Vec<KeptHead>,
    lines: &mut Vec<SignedHeads>,
    report: &mut Report,
) {
    let own = public_key(data_dir).ok();
    let mut strange = 0;
    for head in outside {
        if !head.line.is_signed_by(&head.public_key) {
            report.problems.push(format!(
                "the head of {} that was kept elsewhere does not fit its signature",
                head.line.heads.at
            ));
            continue;
        }
        strange += usize::from(own.as_ref() != Some(&head.public_key));
        if !lines.contains(&head.line) {
            lines.push(head.line);
        }
    }
    if strange > 0 {
        report.problems.push(format!(
            "{strange} head(s) that were kept elsewhere are signed with another key than `{KEY_FILE}`: the key was replaced"
        ));
    }
    report.heads = lines.len();
}

fn check_signatures(key: &Ed25519KeyPair, lines: &[SignedHeads], report: &mut Report) {
    let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref());
    for (number, line) in (1..).zip(lines) {
        let signature = hex::decode(&line.signature).unwrap_or_default();
        if public.verify(&line.heads.to_sign(), &signature).is_err() {
            report.problems.push(format!(
                "line {number} of `{HEADS_FILE}`, of {}, was not signed with `{KEY_FILE}`: it or the key was changed",
                line.heads.at
            ));
        }
    }
}

/// What a signed head says about a chain as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged<'a> {
    /// The link is there with the hash that was signed, or the head signed an empty chain.
    Fits,
    /// This restore went back behind it.
    Lost(&'a Epoch),
    /// Another hash is there.
    Rewritten,
    /// The link is not there.
    CutOff,
}

/// Compares a head with the hash that is at its link now, if there is one. A link that was signed must be
/// there with the hash it had, unless a restore went back behind it.
#[must_use]
pub fn judge<'a>(
    chain: Chain,
    heads: &Heads,
    epochs: &'a [Epoch],
    found: Option<&str>,
) -> Judged<'a> {
    let signed = heads.of(chain);
    if signed.links == 0 {
        return Judged::Fits;
    }
    let lost = epochs
        .iter()
        .find(|later| later.epoch > heads.epoch && later.links(chain) < signed.links);
    match (lost, found) {
        (Some(restore), _) => Judged::Lost(restore),
        (None, Some(hash)) if hash == signed.hash => Judged::Fits,
        (None, Some(_)) => Judged::Rewritten,
        (None, None) => Judged::CutOff,
    }
}

fn compare(
    chain: Chain,
    heads: &Heads,
    epochs: &[Epoch],
    at: &[(i64, String)],
    report: &mut Report,
) {
    let signed = heads.of(chain);
    let found = at.iter().find(|(link, _)| *link == signed.links);
    let problem = match judge(chain, heads, epochs, found.map(|(_, hash)| hash.as_str())) {
        Judged::Fits => return,
        Judged::Lost(restore) => {
            report.notes.push(format!(
                "{}: links {} to {} of {} are not in the backup that was restored at {}",
                chain.name(),
                restore.links(chain) + 1,
                signed.links,
                heads.at,
                restore.at
            ));
            return;
        }
        Judged::Rewritten => {
            "has another hash than was signed at: it or something before it was rewritten; signed at"
        }
        Judged::CutOff => "is missing: the end was cut off; it was signed at",
    };
    report.problems.push(format!(
        "{}, link {}: it {problem} {}",
        chain.name(),
        signed.links,
        heads.at
    ));
}
