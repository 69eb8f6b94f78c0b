//! Rows to the bytes of a Parquet file: one row group, compressed with zstd.

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::{WriterProperties, WriterPropertiesPtr},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};
use std::sync::Arc;

/// Reads a column's value from a row; `None` is null.
type Read<R, V> = Box<dyn Fn(&R) -> Option<V>>;

/// How a column gets its values, and so of which type it is.
enum ColumnKind<R> {
    Time(Read<R, u64>),
    Id(Read<R, u64>),
    Count(Read<R, u64>),
    Number(Read<R, f64>),
    Flag(Read<R, bool>),
    Text(Read<R, String>),
}

/// A column: its name and where its values come from.
pub(super) struct Column<R> {
    name: String,
    kind: ColumnKind<R>,
}

impl<R> Column<R> {
    /// A point in time, from microseconds since the epoch.
    pub(super) fn time(name: &str, read: impl Fn(&R) -> Option<u64> + 'static) -> Self {
        Self { name: name.to_owned(), kind: ColumnKind::Time(Box::new(read)) }
    }

    /// A keyed hash.
    pub(super) fn id(name: &str, read: impl Fn(&R) -> Option<u64> + 'static) -> Self {
        Self { name: name.to_owned(), kind: ColumnKind::Id(Box::new(read)) }
    }

    /// A count or a whole number of something.
    pub(super) fn count(name: &str, read: impl Fn(&R) -> Option<u64> + 'static) -> Self {
        Self { name: name.to_owned(), kind: ColumnKind::Count(Box::new(read)) }
    }

    /// A quantity.
    pub(super) fn number(name: &str, read: impl Fn(&R) -> Option<f64> + 'static) -> Self {
        Self { name: name.to_owned(), kind: ColumnKind::Number(Box::new(read)) }
    }

    /// A yes or no.
    pub(super) fn flag(name: &str, read: impl Fn(&R) -> Option<bool> + 'static) -> Self {
        Self { name: name.to_owned(), kind: ColumnKind::Flag(Box::new(read)) }
    }

    /// A column of text.
    pub(super) fn text(name: &str, read: impl Fn(&R) -> Option<String> + 'static) -> Self {
        Self { name: name.to_owned(), kind: ColumnKind::Text(Box::new(read)) }
    }
}

/// A Parquet file of `rows`.
pub(super) fn encode<R>(columns: &[Column<R>], rows: &[R]) -> Result<Vec<u8>, ParquetError> {
    let mut writer = SerializedFileWriter::new(Vec::new(), schema(columns)?, properties()?)?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        match &column.kind {
            ColumnKind::Time(read) | ColumnKind::Id(read) | ColumnKind::Count(read) => {
                // Parquet keeps unsigned numbers in signed ones, bit by bit.
                write::<R, Int64Type>(&mut group, rows, |row| read(row).map(|value| value as i64))?;
            }
            ColumnKind::Number(read) => write::<R, DoubleType>(&mut group, rows, read)?,
            ColumnKind::Flag(read) => write::<R, BoolType>(&mut group, rows, read)?,
            ColumnKind::Text(read) => {
                write::<R, ByteArrayType>(&mut group, rows, |row| {
                    read(row).map(|text| ByteArray::from(text.into_bytes()))
                })?;
            }
        }
    }
    group.close()?;
    writer.into_inner()
}

fn write<R, T: parquet::data_type::DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    rows: &[R],
    read: impl Fn(&R) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let mut values = Vec::with_capacity(rows.len());
    let mut levels = Vec::with_capacity(rows.len());
    for row in rows {
        let value = read(row);
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    let missing = || ParquetError::General("fewer columns in the schema than written".into());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()
}

fn schema<R>(columns: &[Column<R>]) -> Result<TypePtr, ParquetError> {
    let field = |column: &Column<R>| {
        let (physical, logical) = match column.kind {
            ColumnKind::Time(_) => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            ColumnKind::Id(_) => (Physical::INT64, Some(LogicalType::integer(64, false))),
            ColumnKind::Count(_) => (Physical::INT64, None),
            ColumnKind::Number(_) => (Physical::DOUBLE, None),
            ColumnKind::Flag(_) => (Physical::BOOLEAN, None),
            ColumnKind::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let field = Type::primitive_type_builder(&column.name, physical).with_logical_type(logical);
        field.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    Ok(Arc::new(Type::group_type_builder("headroom").with_fields(fields).build()?))
}

fn properties() -> Result<WriterPropertiesPtr, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by(concat!("headroom ", env!("CARGO_PKG_VERSION")).into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?));
    Ok(Arc::new(properties.build()))
}
