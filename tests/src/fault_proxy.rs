//! A TCP relay on loopback that makes a link bad on purpose: slow, late, cut, or open and dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the relay does to the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Passes everything on at once.
    Good,
    /// Passes everything on after this long.
    Delayed(Duration),
    /// Passes on at most this many bytes a second in each direction.
    Throttled(u32),
    /// Closes all connections, and every new one.
    Cut,
    /// Keeps connections open and accepts new ones, and passes nothing on.
    Dead,
    /// Passes this many bytes on towards the server, over all connections, then closes the connection.
    /// Each closing starts the count again.
    CutAfter(u64),
}

/// A relay.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    link: watch::Sender<Link>,
    cuts: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Clone)]
struct Shared {
    link: watch::Receiver<Link>,
    upstream: Arc<AtomicU64>,
    cuts: Arc<AtomicU64>,
}

impl FaultProxy {
    /// Starts to relay from a free port to `target` on loopback.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("listening for the relay")?;
        let port = listener.local_addr().context("reading the port")?.port();
        let (link, watching) = watch::channel(Link::Good);
        let cuts = Arc::new(AtomicU64::new(0));
        let shared = Shared {
            link: watching,
            upstream: Arc::new(AtomicU64::new(0)),
            cuts: Arc::clone(&cuts),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, target, shared));
        Ok(Self {
            port,
            link,
            cuts,
            _tasks: tasks,
        })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the link, also for the connections that are open.
    pub fn set(&self, link: Link) {
        self.link.send_replace(link);
    }

    /// How many connections were closed in the middle by [`Link::CutAfter`].
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, target: u16, shared: Shared) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let shared = shared.clone();
        connections.spawn(async move {
            // A broken link is what this is for: how a connection ended does not matter.
            if let Err(error) = relay(near, target, shared).await {
                drop(error);
            }
        });
    }
}

async fn relay(near: TcpStream, target: u16, shared: Shared) -> Result<()> {
    if *shared.link.borrow() == Link::Cut {
        return Ok(());
    }
    let far = TcpStream::connect(("127.0.0.1", target)).await?;
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let mut link = shared.link.clone();
    // Each branch may be dropped at any point: dropping both directions closes both sockets, and that is
    // what a cut is.
    tokio::select! {
        end = pass(near_read, far_write, shared.clone(), true) => end,
        end = pass(far_read, near_write, shared, false) => end,
        _ = link.wait_for(|link| *link == Link::Cut) => Ok(()),
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut shared: Shared,
    upstream: bool,
) -> Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        shared.link.wait_for(|link| *link != Link::Dead).await?;
        let link = *shared.link.borrow();
        let pause = match link {
            Link::Delayed(by) => by,
            Link::Throttled(rate) => throttle(length, rate),
            Link::Good | Link::Cut | Link::Dead | Link::CutAfter(_) => Duration::ZERO,
        };
        tokio::time::sleep(pause).await;
        if let (Link::CutAfter(limit), true) = (link, upstream) {
            let sent = u64::try_from(length)?;
            let before = shared.upstream.fetch_add(sent, Ordering::Relaxed);
            if before + sent > limit {
                shared.upstream.store(0, Ordering::Relaxed);
                shared.cuts.fetch_add(1, Ordering::Relaxed);
                let part = usize::try_from(limit.saturating_sub(before))?.min(length);
                to.write_all(&buffer[..part]).await?;
                return Ok(());
            }
        }
        to.write_all(&buffer[..length]).await?;
    }
}

fn throttle(length: usize, bytes_per_s: u32) -> Duration {
    let length = u32::try_from(length).expect("a buffer is small");
    Duration::from_secs(1) * length / bytes_per_s.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await.ok();
                });
            }
        });
        port
    }

    #[tokio::test]
    async fn a_good_link_passes_and_a_cut_one_closes() {
        let proxy = FaultProxy::start(echo().await).await.expect("started");
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port()))
            .await
            .expect("connected");
        client.write_all(b"hello").await.expect("sent");
        let mut answer = [0; 5];
        client.read_exact(&mut answer).await.expect("echoed");
        assert_eq!(&answer, b"hello");
        proxy.set(Link::Cut);
        assert_eq!(client.read(&mut answer).await.unwrap_or(0), 0);
    }

    #[tokio::test]
    async fn a_cut_in_the_middle_passes_exactly_so_many_bytes() {
        let proxy = FaultProxy::start(echo().await).await.expect("started");
        proxy.set(Link::CutAfter(3));
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port()))
            .await
            .expect("connected");
        client.write_all(b"hello").await.expect("sent");
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.ok();
        assert!(all.len() <= 3, "{all:?}");
        assert_eq!(proxy.cuts(), 1);
    }
}
