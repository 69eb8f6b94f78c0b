//! Reads CTranslate2's `model.bin` (binary version 5 and later, little endian).

use super::error::ConvertError;
use std::collections::BTreeMap;

/// Number of CTranslate2's type for 16-bit floats.
const FLOAT16: u8 = 4;

/// Most tensors that are read; Whisper's largest model has 2,000.
const TENSORS_MAX: u32 = 10_000;

/// The 16-bit tensors of a checkpoint, by name. Other types hold options that ggml does not need.
pub(super) struct Checkpoint<'a> {
    tensors: BTreeMap<&'a str, Tensor<'a>>,
}

pub(super) struct Tensor<'a> {
    pub(super) dimensions: Vec<u32>,
    /// 16-bit floats, row by row.
    pub(super) data: &'a [u8],
}

/// A tensor of two dimensions.
pub(super) struct Matrix<'a> {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) data: &'a [u8],
}

impl<'a> Matrix<'a> {
    /// The `index`-th of `count` stacked matrices.
    pub(super) fn part(&self, index: u32, count: u32) -> Self {
        let size = self.data.len() / count as usize;
        let start = size * index as usize;
        Self { rows: self.rows / count, columns: self.columns, data: &self.data[start..start + size] }
    }
}

impl<'a> Checkpoint<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ConvertError> {
        let mut reader = Reader(bytes);
        if reader.u32()? < 5 {
            return Err(ConvertError::Malformed("its version is older than 5"));
        }
        if reader.string()? != "WhisperSpec" {
            return Err(ConvertError::Malformed("another kind of model"));
        }
        let _revision = reader.u32()?;
        let count = reader.u32()?;
        if count > TENSORS_MAX {
            return Err(ConvertError::Malformed("too many tensors"));
        }
        let mut tensors = BTreeMap::new();
        for _ in 0..count {
            let name = reader.string()?;
            let rank = reader.u8()?;
            let dimensions = (0..rank).map(|_| reader.u32()).collect::<Result<Vec<_>, _>>()?;
            let kind = reader.u8()?;
            let length = reader.u32()? as usize;
            let data = reader.take(length)?;
            if kind == FLOAT16 {
                let elements = dimensions.iter().try_fold(1_usize, |product, d| product.checked_mul(*d as usize));
                if elements.and_then(|elements| elements.checked_mul(2)) != Some(length) {
                    return Err(ConvertError::Shape(name.to_owned()));
                }
                tensors.insert(name, Tensor { dimensions, data });
            }
        }
        Ok(Self { tensors })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    pub(super) fn tensor(&self, name: &str) -> Result<&Tensor<'a>, ConvertError> {
        self.tensors.get(name).ok_or_else(|| ConvertError::Absent(name.to_owned()))
    }

    pub(super) fn matrix(&self, name: &str) -> Result<Matrix<'a>, ConvertError> {
        let tensor = self.tensor(name)?;
        match tensor.dimensions[..] {
            [rows, columns] if rows > 0 && columns > 0 => Ok(Matrix { rows, columns, data: tensor.data }),
            _ => Err(ConvertError::Shape(name.to_owned())),
        }
    }

    pub(super) fn vector(&self, name: &str, length: u32) -> Result<&'a [u8], ConvertError> {
        let tensor = self.tensor(name)?;
        if tensor.dimensions == [length] { Ok(tensor.data) } else { Err(ConvertError::Shape(name.to_owned())) }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ConvertError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(ConvertError::Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ConvertError> {
        self.take(N)?.try_into().map_err(|_| ConvertError::Malformed("it ends too early"))
    }

    fn u8(&mut self) -> Result<u8, ConvertError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, ConvertError> {
        self.array().map(u32::from_le_bytes)
    }

    /// u16 length that counts a closing NUL, then the bytes.
    fn string(&mut self) -> Result<&'a str, ConvertError> {
        let length = u16::from_le_bytes(self.array()?);
        let bytes = self.take(usize::from(length))?;
        let text = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        std::str::from_utf8(text).map_err(|_| ConvertError::Malformed("a name is not text"))
    }
}
