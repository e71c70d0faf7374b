//! The hub's own certificate authority and certificate.
//!
//! Made once by `hub init` and never overwritten. Keys are files with mode 0600; the authority's key
//! is only read to make a certificate, never by a running hub.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Names that every certificate covers.
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Gateways pin the authority, so it must outlive them.
const AUTHORITY_YEARS: i64 = 20;
/// Renewing means deleting `hub.pem` and `hub.key` and running `hub init` again.
const CERTIFICATE_YEARS: i64 = 5;

/// Where the files are.
#[derive(Debug, Clone)]
pub struct Files {
    /// The authority's certificate, which gateways pin.
    pub ca: PathBuf,
    /// The authority's key.
    pub ca_key: PathBuf,
    /// The hub's certificate.
    pub certificate: PathBuf,
    /// The hub's key.
    pub key: PathBuf,
}

impl Files {
    /// In this data directory.
    #[must_use]
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            ca: dir.join("ca.pem"),
            ca_key: dir.join("ca.key"),
            certificate: dir.join("hub.pem"),
            key: dir.join("hub.key"),
        }
    }
}

/// Makes a directory that only its owner can enter; nothing happens when it is there.
///
/// # Errors
/// When it cannot be made.
pub fn make_private_dir(dir: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("making the directory `{}`", dir.display()))
}

/// Makes what is missing; tells what it made.
///
/// # Errors
/// When a name cannot stand in a certificate, or a file cannot be read or written.
pub fn make_missing(dir: &Path, hosts: &[String]) -> Result<Vec<PathBuf>> {
    let files = Files::in_dir(dir);
    let mut made = Vec::new();
    if !files.ca.exists() {
        if files.certificate.exists() {
            bail!(
                "`{}` is there without `{}`; bring back the missing file or delete the certificate",
                files.certificate.display(),
                files.ca.display()
            );
        }
        let (pem, key) = make_authority()?;
        write_new(&files.ca_key, &key, 0o600)?;
        write_new(&files.ca, &pem, 0o644)?;
        made.push(files.ca.clone());
    }
    if !files.certificate.exists() {
        let (pem, key) = make_certificate(&files, hosts)?;
        write_new(&files.key, &key, 0o600)?;
        write_new(&files.certificate, &pem, 0o644)?;
        made.push(files.certificate);
    }
    Ok(made)
}

fn make_authority() -> Result<(String, String)> {
    let key = KeyPair::generate().context("making the authority's key")?;
    let mut params = CertificateParams::new(Vec::new()).context("describing the authority")?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Gridwatch hub authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, AUTHORITY_YEARS);
    let certificate = params.self_signed(&key).context("signing the authority")?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn make_certificate(files: &Files, hosts: &[String]) -> Result<(String, String)> {
    let read = |path: &Path| {
        fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))
    };
    let ca_key = KeyPair::from_pem(&read(&files.ca_key)?).context("reading the authority's key")?;
    let issuer = issuer_of(ca_key);
    let mut params = CertificateParams::new(Vec::new()).context("describing the certificate")?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Gridwatch hub");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, CERTIFICATE_YEARS);
    let always = ALWAYS.iter().map(ToString::to_string);
    for host in always.chain(hosts.iter().cloned()) {
        let name = subject_name(&host)?;
        if !params.subject_alt_names.contains(&name) {
            params.subject_alt_names.push(name);
        }
    }
    let key = KeyPair::generate().context("making the hub's key")?;
    let certificate = params
        .signed_by(&key, &issuer)
        .context("signing the certificate")?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// The authority that [`make_authority`] makes has this name, and its key is in the key file.
fn issuer_of(key: KeyPair) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Gridwatch hub authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Issuer::new(params, key)
}

fn subject_name(host: &str) -> Result<SanType> {
    if let Ok(address) = host.parse() {
        return Ok(SanType::IpAddress(address));
    }
    let name = host.try_into().with_context(|| {
        format!("`{host}` is neither an IP address nor a host name in ASCII letters")
    })?;
    Ok(SanType::DnsName(name))
}

fn set_validity(params: &mut CertificateParams, years: i64) {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let date = |date: jiff::civil::Date| {
        rcgen::date_time_ymd(
            i32::from(date.year()),
            u8::try_from(date.month()).unwrap_or(1),
            u8::try_from(date.day()).unwrap_or(1),
        )
    };
    // Gateways without a battery-backed clock may believe that it is much earlier.
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = date(today.saturating_add(jiff::Span::new().days(years * 365)));
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// When it is there or cannot be written.
pub fn write_new(path: &Path, text: &str, mode: u32) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("writing `{}`", path.display()))
}

/// What the hub serves TLS with: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
///
/// # Errors
/// When the files cannot be read or do not fit each other.
pub fn server_config(dir: &Path) -> Result<Arc<rustls::ServerConfig>> {
    let files = Files::in_dir(dir);
    let reading = |path: &Path| format!("reading `{}`; `hub init` makes it", path.display());
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| reading(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).with_context(|| reading(&files.key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choosing TLS versions")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and the key do not fit each other")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
