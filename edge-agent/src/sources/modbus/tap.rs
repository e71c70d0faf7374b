//! Opens a line, and lets every byte that is received on it be counted and thrown away beside the
//! library that speaks Modbus.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_modbus::client::{Context, rtu, tcp};
use tokio_serial::SerialStream;

use crate::config::{ModbusTransport, Parity, SerialConfig};

/// A line that is open.
pub(super) struct Open {
    /// The library's client.
    pub(super) context: Context,
    /// For RTU: the stream beneath it.
    pub(super) tap: Option<Tap>,
}

/// Connects, or opens the port.
///
/// # Errors
/// What the system says, and what to do where that is known.
pub(super) async fn open(transport: &ModbusTransport) -> io::Result<Open> {
    let tap = match transport {
        ModbusTransport::Tcp { host, port } => {
            return Ok(Open {
                context: tcp::attach(dial(host, *port).await?),
                tap: None,
            });
        }
        ModbusTransport::RtuOverTcp { host, port, .. } => {
            Tap::new(Stream::Tcp(dial(host, *port).await?))
        }
        ModbusTransport::Rtu(serial) => Tap::new(Stream::Serial(open_port(serial)?)),
    };
    Ok(Open {
        context: rtu::attach(tap.clone()),
        tap: Some(tap),
    })
}

async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn open_port(serial: &SerialConfig) -> io::Result<SerialStream> {
    let parity = match serial.parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
    };
    let stop_bits = if serial.stop_bits == 2 {
        tokio_serial::StopBits::Two
    } else {
        tokio_serial::StopBits::One
    };
    let builder = tokio_serial::new(path(&serial.device)?, serial.baud_rate)
        .data_bits(tokio_serial::DataBits::Eight)
        .parity(parity)
        .stop_bits(stop_bits);
    SerialStream::open(&builder).map_err(|error| {
        let hint = match error.kind() {
            tokio_serial::ErrorKind::NoDevice
            | tokio_serial::ErrorKind::Io(io::ErrorKind::NotFound) => {
                "; is it plugged in, is the name right, does another program hold it?"
            }
            tokio_serial::ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
                "; the agent's user must be in the group of the port (often `dialout`)"
            }
            _ => "",
        };
        io::Error::other(format!("{error}{hint}"))
    })
}

fn path(device: &Path) -> io::Result<&str> {
    device
        .to_str()
        .ok_or_else(|| io::Error::other("the path of the serial port is not UTF-8"))
}

/// The line for people.
pub(super) fn shown(transport: &ModbusTransport) -> String {
    match transport {
        ModbusTransport::Tcp { host, port } | ModbusTransport::RtuOverTcp { host, port, .. } => {
            format!("{host}:{port}")
        }
        ModbusTransport::Rtu(serial) => serial.device.display().to_string(),
    }
}

/// A stream that counts what came, and can be read beside the library.
#[derive(Clone)]
pub(super) struct Tap(Arc<Mutex<Tapped>>);

struct Tapped {
    stream: Stream,
    received: usize,
}

enum Stream {
    Tcp(TcpStream),
    Serial(SerialStream),
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tap").finish_non_exhaustive()
    }
}

impl Tap {
    fn new(stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(Tapped {
            stream,
            received: 0,
        })))
    }

    fn with<T>(&self, then: impl FnOnce(&mut Tapped) -> T) -> T {
        then(
            &mut self
                .0
                .lock()
                .expect("no code panics while it holds the line"),
        )
    }

    /// Bytes since [`Self::forget`].
    pub(super) fn received(&self) -> usize {
        self.with(|tapped| tapped.received)
    }

    pub(super) fn forget(&self) {
        self.with(|tapped| tapped.received = 0);
    }

    /// Reads and throws away; 0 at the end of the stream. Cancelling it loses nothing that matters.
    pub(super) async fn skip(&self) -> io::Result<usize> {
        let mut bytes = [0; 256];
        poll_fn(|task| {
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(self.with(|tapped| tapped.poll_read(task, &mut buffer)))?;
            Poll::Ready(Ok(buffer.filled().len()))
        })
        .await
    }
}

impl Tapped {
    fn poll_read(&mut self, task: &mut Task<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(task, buffer),
            Stream::Serial(stream) => Pin::new(stream).poll_read(task, buffer),
        })?;
        let bytes = buffer.filled().len().saturating_sub(before);
        self.received = self.received.saturating_add(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Task<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|tapped| tapped.poll_read(task, buffer))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Task<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|tapped| match &mut tapped.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(task, bytes),
            Stream::Serial(stream) => Pin::new(stream).poll_write(task, bytes),
        })
    }

    /// Flushing a serial port blocks the thread until its bytes are out; the time that they take is in
    /// the time-out instead.
    fn poll_flush(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        self.with(|tapped| match &mut tapped.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(task),
            Stream::Serial(_) => Poll::Ready(Ok(())),
        })
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        self.with(|tapped| match &mut tapped.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(task),
            Stream::Serial(_) => Poll::Ready(Ok(())),
        })
    }
}
