//! placeholder head, replaced by the first module.
