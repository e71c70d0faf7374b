//! The simulator itself.

use super::*;

async fn ask(port: u16, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("a unit");
    stream.write_all(&frame(7, 1, request)).await.expect("sent");
    let mut answer = vec![0; 256];
    let length = stream.read(&mut answer).await.expect("an answer");
    answer.truncate(length);
    answer
}

#[tokio::test]
async fn a_unit_answers_as_the_standard_says() {
    let sim = ModbusSim::start().await.expect("started");
    sim.set_transmitter(1, 21.5, 0.12);
    sim.set_door(1, true, false, true);
    let registers = ask(sim.port(), &[4, 0, 0, 0, 4]).await;
    assert_eq!(registers[..9], [0, 7, 0, 0, 0, 11, 1, 4, 8]);
    assert_eq!(registers[9..], [0x41, 0xAC, 0, 0, 0, 12, 0, 0]);
    let doors = ask(sim.port(), &[2, 0, 0, 0, 5]).await;
    assert_eq!(doors[7..], [2, 1, 0b101]);
    let beyond = ask(sim.port(), &[4, 0, 2, 0, 4]).await;
    assert_eq!(beyond[7..], [0x84, 2]);
    assert_eq!(sim.requests(1), 3);
}

#[tokio::test]
async fn a_short_answer_lacks_one_register() {
    let sim = ModbusSim::start().await.expect("started");
    sim.set_registers(1, &[1, 2, 3, 4]);
    sim.set_manner(1, Manner::Short);
    let short = ask(sim.port(), &[4, 0, 0, 0, 4]).await;
    assert_eq!(short[7..], [4, 6, 0, 1, 0, 2, 0, 3]);
}
