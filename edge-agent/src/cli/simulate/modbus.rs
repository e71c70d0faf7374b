//! A small Modbus TCP server: reads (functions 1 to 4) out of register blocks, for every unit alike.
//! Made for trying a profile on a desk; it is no gateway.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use gridwatch_decode::RegisterBlock;
use gridwatch_decode::profile::Table;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Connections at a time.
const CONNECTIONS_MAX: usize = 32;
/// A connection that asks nothing for this long is closed.
const IDLE_MAX: Duration = Duration::from_secs(300);
/// Registers and bits of one request (Modbus application protocol V1.1b3, sections 6.1 to 6.4).
const REGISTERS_MAX: u16 = 125;
const BITS_MAX: u16 = 2000;
/// Exception codes (the same, section 7).
const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;
const ILLEGAL_VALUE: u8 = 3;
/// Longest frame after the length field (Modbus messaging on TCP/IP V1.0b, section 3.1.3).
const FRAME_MAX: u16 = 254;

/// What the units show at present.
pub(super) type Memory = Arc<Mutex<Vec<RegisterBlock>>>;

pub(super) fn lock(memory: &Memory) -> MutexGuard<'_, Vec<RegisterBlock>> {
    memory
        .lock()
        .expect("no code panics while it holds the registers")
}

/// Serves until it is aborted.
pub(super) async fn serve(listener: TcpListener, memory: Memory) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, say: a connection will end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let memory = memory.clone();
        tokio::spawn(async move {
            // The client has gone, or speaks no Modbus: that is its affair.
            answer_all(stream, &memory).await.ok();
            drop(place);
        });
    }
}

async fn answer_all(mut stream: TcpStream, memory: &Memory) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let mut head = [0_u8; 7];
        tokio::time::timeout(IDLE_MAX, stream.read_exact(&mut head)).await??;
        let [
            transaction_high,
            transaction_low,
            protocol_high,
            protocol_low,
            length_high,
            length_low,
            unit,
        ] = head;
        let length = u16::from_be_bytes([length_high, length_low]);
        if protocol_high != 0 || protocol_low != 0 || !(2..=FRAME_MAX).contains(&length) {
            return Ok(());
        }
        let mut request = vec![0; usize::from(length) - 1];
        stream.read_exact(&mut request).await?;
        let reply = answer(&request, &lock(memory));
        let length = u16::try_from(reply.len() + 1)
            .unwrap_or(u16::MAX)
            .to_be_bytes();
        let mut frame = vec![
            transaction_high,
            transaction_low,
            0,
            0,
            length[0],
            length[1],
            unit,
        ];
        frame.extend(reply);
        stream.write_all(&frame).await?;
    }
}

/// The answer to a request, both without the head.
pub(super) fn answer(request: &[u8], memory: &[RegisterBlock]) -> Vec<u8> {
    let function = request.first().copied().unwrap_or_default();
    let refuse = |code: u8| vec![function | 0x80, code];
    let (table, limit) = match function {
        1 => (Table::Coil, BITS_MAX),
        2 => (Table::Discrete, BITS_MAX),
        3 => (Table::Holding, REGISTERS_MAX),
        4 => (Table::Input, REGISTERS_MAX),
        _ => return refuse(ILLEGAL_FUNCTION),
    };
    let [_, address_high, address_low, count_high, count_low] = *request else {
        return refuse(ILLEGAL_VALUE);
    };
    let address = u16::from_be_bytes([address_high, address_low]);
    let count = u16::from_be_bytes([count_high, count_low]);
    if count == 0 || count > limit {
        return refuse(ILLEGAL_VALUE);
    }
    let value = |offset: u16| {
        let address = address.checked_add(offset)?;
        memory.iter().find_map(|block| block.get(table, address))
    };
    let Some(values) = (0..count).map(value).collect::<Option<Vec<u16>>>() else {
        return refuse(ILLEGAL_ADDRESS);
    };
    let bytes: Vec<u8> = if matches!(table, Table::Coil | Table::Discrete) {
        let byte = |bits: &[u16]| {
            bits.iter().enumerate().fold(0_u8, |byte, (bit, value)| {
                byte | (u8::from(*value != 0) << bit)
            })
        };
        values.chunks(8).map(byte).collect()
    } else {
        values
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect()
    };
    let mut reply = vec![function, u8::try_from(bytes.len()).unwrap_or(u8::MAX)];
    reply.extend(bytes);
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_answered_as_the_standard_says() {
        let block = |table, address, values: &[u16]| RegisterBlock {
            table,
            address,
            values: values.to_vec(),
        };
        let memory = [
            block(Table::Holding, 10, &[0x0102, 0xFFFE]),
            block(Table::Discrete, 0, &[1, 0, 1, 1, 0, 0, 0, 0, 1]),
        ];
        assert_eq!(answer(&[3, 0, 10, 0, 2], &memory), [3, 4, 1, 2, 0xFF, 0xFE]);
        assert_eq!(answer(&[2, 0, 0, 0, 9], &memory), [2, 2, 0b0000_1101, 1]);
        assert_eq!(answer(&[3, 0, 10, 0, 3], &memory), [0x83, ILLEGAL_ADDRESS]);
        assert_eq!(answer(&[4, 0, 10, 0, 1], &memory), [0x84, ILLEGAL_ADDRESS]);
        assert_eq!(
            answer(&[3, 0xFF, 0xFF, 0, 2], &memory),
            [0x83, ILLEGAL_ADDRESS]
        );
        assert_eq!(answer(&[3, 0, 10, 0, 0], &memory), [0x83, ILLEGAL_VALUE]);
        assert_eq!(answer(&[3, 0, 10, 0, 126], &memory), [0x83, ILLEGAL_VALUE]);
        assert_eq!(answer(&[6, 0, 10, 0, 1], &memory), [0x86, ILLEGAL_FUNCTION]);
        assert_eq!(answer(&[3, 0], &memory), [0x83, ILLEGAL_VALUE]);
        assert_eq!(answer(&[], &memory), [0x80, ILLEGAL_FUNCTION]);
    }
}
