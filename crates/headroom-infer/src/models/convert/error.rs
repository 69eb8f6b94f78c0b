//! Why weights cannot be converted.

/// Why weights cannot be converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The bytes are not a checkpoint in a CTranslate2 version that is known, or end too early.
    #[error("not a CTranslate2 Whisper checkpoint ({0})")]
    Malformed(&'static str),
    /// A tensor is missing.
    #[error("the checkpoint lacks the tensor {0}")]
    Absent(String),
    /// A tensor has another shape or type than Whisper's.
    #[error("the tensor {0} has an unexpected shape or type")]
    Shape(String),
    /// The vocabulary has too few tokens or characters outside GPT-2's alphabet.
    #[error("the vocabulary is not Whisper's (token {0})")]
    Vocabulary(usize),
    /// The result cannot be written.
    #[error("cannot write the converted weights")]
    Io(#[from] std::io::Error),
}
