//! Looks through an ONNX file before any runtime sees it.
//!
//! An ONNX file may name other files that hold its weights (`external_data`); a runtime that follows
//! such a name reads whatever path it is given, which has been a hole in runtimes again and again.
//! The sha256 would not cover that file either. So every tensor is visited, wherever one can hide
//! (initialisers, attributes, sub-graphs, functions), and a single external one is refused. The
//! operators must be among those tried on both backends, and the operator set the manifest's.
//!
//! This is the little of the protobuf wire format that it takes; names and numbers are those of
//! `onnx.proto3`. It never allocates by a length that the file claims.

/// Operators tried on the built-in backend and on ONNX Runtime, with equal results.
const OPERATORS: [&str; 18] = [
    "Add",
    "Clip",
    "Concat",
    "Div",
    "Exp",
    "Gemm",
    "Log",
    "MatMul",
    "Max",
    "Min",
    "Mul",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Sub",
];
/// Messages are not nested deeper than this in any model we run.
const DEPTH_MAX: usize = 16;

/// What is wrong with an ONNX file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// Not the protobuf message it should be.
    #[error("the file is damaged or cut off at byte {at}")]
    Damaged {
        /// Where reading stopped.
        at: usize,
    },
    /// A tensor in another file.
    #[error("a tensor lies outside the file (external_data)")]
    ExternalData,
    /// An operator that was not tried.
    #[error("operator `{name}` is not among those that this agent runs")]
    Operator {
        /// Its name, with its domain.
        name: String,
    },
    /// Another operator set than the manifest says.
    #[error("the file uses operator set {found}, its manifest says {expected}")]
    Opset {
        /// From the manifest.
        expected: i64,
        /// In the file, 0 when it names none.
        found: i64,
    },
    /// No graph in it.
    #[error("the file holds no graph")]
    NoGraph,
}

/// Refuses what must not reach a runtime.
pub(super) fn check(bytes: &[u8], opset: i64) -> Result<(), OnnxError> {
    let mut look = Look::default();
    look.message(Message::Model, bytes, 0, DEPTH_MAX)?;
    if look.nodes == 0 {
        return Err(OnnxError::NoGraph);
    }
    if look.opset != opset {
        return Err(OnnxError::Opset {
            expected: opset,
            found: look.opset,
        });
    }
    Ok(())
}

/// The messages that can lead to a tensor or an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Training,
    Function,
    OperatorSet,
    Graph,
    Node,
    Attribute,
    SparseTensor,
    Tensor,
}

impl Message {
    /// The message in one of its fields, if there is one that matters.
    fn inside(self, field: u64) -> Option<Message> {
        Some(match (self, field) {
            (Message::Model, 7) | (Message::Training, 1 | 2) | (Message::Attribute, 6 | 11) => {
                Message::Graph
            }
            (Message::Model, 8) => Message::OperatorSet,
            (Message::Model, 20) => Message::Training,
            (Message::Model, 25) => Message::Function,
            (Message::Function, 7) | (Message::Graph, 1) => Message::Node,
            (Message::Function, 11) | (Message::Node, 5) => Message::Attribute,
            (Message::Graph, 15) | (Message::Attribute, 22 | 23) => Message::SparseTensor,
            (Message::Graph, 5) | (Message::Attribute, 5 | 10) | (Message::SparseTensor, 1 | 2) => {
                Message::Tensor
            }
            _ => return None,
        })
    }
}

#[derive(Debug, Default)]
struct Look {
    nodes: usize,
    opset: i64,
}

impl Look {
    /// `offset` is where `bytes` begin in the file.
    fn message(
        &mut self,
        message: Message,
        bytes: &[u8],
        offset: usize,
        depth: usize,
    ) -> Result<(), OnnxError> {
        if depth == 0 {
            return Err(OnnxError::Damaged { at: offset });
        }
        let mut fields = Fields { bytes, at: 0 };
        let (mut operator, mut domain) = (String::new(), String::new());
        let mut version = 0;
        while let Some(field) = fields.next(offset)? {
            match (message, field.number) {
                (Message::Tensor, 13) => return Err(OnnxError::ExternalData),
                (Message::Tensor, 14) if field.varint != 0 => return Err(OnnxError::ExternalData),
                (Message::Node, 4) => operator = field.text(),
                (Message::Node, 7) | (Message::OperatorSet, 1) => domain = field.text(),
                (Message::OperatorSet, 2) => version = i64::try_from(field.varint).unwrap_or(0),
                (_, number) => {
                    if let (Some(inside), Some(bytes)) = (message.inside(number), field.bytes) {
                        self.message(inside, bytes, offset + field.start, depth - 1)?;
                    }
                }
            }
        }
        let standard = domain.is_empty() || domain == "ai.onnx";
        match message {
            Message::Node => {
                self.nodes += 1;
                if !standard || !OPERATORS.contains(&operator.as_str()) {
                    let name = if standard {
                        operator
                    } else {
                        format!("{domain}.{operator}")
                    };
                    return Err(OnnxError::Operator { name });
                }
            }
            Message::OperatorSet if standard => self.opset = version,
            _ => {}
        }
        Ok(())
    }
}

/// One field of a message: a number, or bytes.
struct Field<'b> {
    number: u64,
    varint: u64,
    bytes: Option<&'b [u8]>,
    start: usize,
}

impl Field<'_> {
    fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes.unwrap_or_default()).into_owned()
    }
}

struct Fields<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Fields<'b> {
    fn next(&mut self, offset: usize) -> Result<Option<Field<'b>>, OnnxError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let at = offset + self.at;
        self.read().map(Some).ok_or(OnnxError::Damaged { at })
    }

    fn read(&mut self) -> Option<Field<'b>> {
        let key = self.varint()?;
        let (mut varint, mut bytes) = (0, None);
        let mut start = self.at;
        match key & 7 {
            0 => varint = self.varint()?,
            1 => bytes = Some(self.take(8)?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                start = self.at;
                bytes = Some(self.take(length)?);
            }
            5 => bytes = Some(self.take(4)?),
            _ => return None,
        }
        Some(Field {
            number: key >> 3,
            varint,
            bytes,
            start,
        })
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let end = self.at.checked_add(length)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}
