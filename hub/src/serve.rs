//! Connections: listening, TLS, and cutting those that take no bytes.
//!
//! A reader that stops reading fills the socket's send buffer, which is bounded; when it then takes
//! nothing for the write time-out, the connection ends. Whoever was reading resumes by event number.

use std::future::{Ready, ready};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Sleep;

use crate::metrics::{Metrics, count};

/// Bytes that the kernel holds for a slow reader.
const SEND_BUFFER_BYTES: u32 = 256 * 1024;
/// A request's headers have to be there within this time.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(15);
/// An HTTP/2 connection is asked for a sign of life this often, and has this long to give it.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;
/// Connections waiting to be taken: a city's gateways come back all at once.
const BACKLOG: u32 = 4_096;

/// Opens the listening socket.
///
/// # Errors
/// When the address cannot be used.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Cuts connections that never finish their headers, and HTTP/2 connections whose other end is gone.
pub fn bound(builder: &mut Builder<TokioExecutor>) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .max_concurrent_streams(STREAMS_MAX);
}

/// Gives every connection a write time-out.
#[derive(Debug, Clone)]
pub struct Timed {
    /// A connection that takes no bytes for this long is cut.
    pub write_timeout: Duration,
    /// Counts the cuts.
    pub metrics: Arc<Metrics>,
}

impl<S> Accept<TcpStream, S> for Timed {
    type Stream = TimedStream;
    type Service = S;
    type Future = Ready<io::Result<(TimedStream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // Events are small and must not wait for more bytes. Without it they are only slower.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps collecting small writes");
        }
        let timed = TimedStream {
            stream,
            timed: self.clone(),
            stalled: None,
        };
        ready(Ok((timed, service)))
    }
}

/// A connection with a write time-out.
#[derive(Debug)]
pub struct TimedStream {
    stream: TcpStream,
    timed: Timed,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl TimedStream {
    /// Passes a result on; when writing stalls for too long, an error instead.
    fn watch<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let timeout = self.timed.write_timeout;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        if stalled.as_mut().poll(cx).is_ready() {
            count(&self.timed.metrics.connections_cut);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
