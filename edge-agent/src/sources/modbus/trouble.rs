//! What can go wrong with a request, and what it says about unit and line.

use gridwatch_decode::profile::Table;
use tokio_modbus::ExceptionCode;

/// Why a request gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The unit answered that it will not: the line is good.
    #[error(
        "the unit refused to read {table:?} {address} ({count}): {exception}; check the profile's register map"
    )]
    Refused {
        /// Table that was asked.
        table: Table,
        /// Address of the first.
        address: u16,
        /// How many.
        count: u16,
        /// What it said.
        exception: ExceptionCode,
    },
    /// Nothing, or not all of an answer, came in time.
    #[error("no answer within {0} ms; check wiring, unit number, speed and parity")]
    NoAnswer(u128),
    /// What came is not the answer to the request.
    #[error("{0}")]
    Wrong(String),
    /// There is no connection, or no serial port.
    #[error("{0}")]
    NoLine(String),
}

impl Trouble {
    /// One word for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Trouble::Refused { .. } => "refused",
            Trouble::NoAnswer(_) => "no_answer",
            Trouble::Wrong(_) => "wrong_answer",
            Trouble::NoLine(_) => "no_line",
        }
    }

    /// Whether the unit itself said no. A gateway that says that the unit behind it does not answer
    /// speaks for a silent unit.
    #[must_use]
    pub fn is_from_the_unit(&self) -> bool {
        matches!(
            self,
            Trouble::Refused { exception, .. }
                if !matches!(exception, ExceptionCode::GatewayPathUnavailable | ExceptionCode::GatewayTargetDevice)
        )
    }
}
