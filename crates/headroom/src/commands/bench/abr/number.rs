//! Numbers on a command line.

/// A number above zero, from a command line.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("not a positive number".to_owned()),
    }
}

/// A share from 0 to a half, from a command line.
pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=0.5).contains(&value) => Ok(value),
        _ => Err("not a share from 0 to 0.5".to_owned()),
    }
}
