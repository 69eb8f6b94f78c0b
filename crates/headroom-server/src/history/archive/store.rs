//! Where the files are: a directory, or a bucket of a service that speaks S3.

use super::{http::Connector, settings::Settings};
use futures_util::TryStreamExt;
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    path::Path as Key,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a request is tried again within one attempt; the shipper repeats the attempts themselves.
const PATIENCE: Duration = Duration::from_secs(10);

/// Age from which an unfinished file has lost its writer.
const UNFINISHED: Duration = Duration::from_secs(600);

/// Why a location cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LocationError {
    /// Neither a directory nor a bucket.
    #[error("location {0:?} is neither a directory nor s3://BUCKET/PREFIX")]
    Scheme(String),
    /// The endpoint is not an address.
    #[error("s3_endpoint {0:?} is not an http:// or https:// address")]
    Endpoint(String),
}

/// A place for files.
pub(super) struct Store {
    objects: Box<dyn ObjectStore>,
    /// In front of every name.
    prefix: Key,
    /// The directory, when it is one.
    directory: Option<PathBuf>,
}

/// Whether the settings name a place.
fn check(settings: &Settings) -> Result<(), LocationError> {
    let location = &settings.location;
    if location.contains("://") && bucket(location).is_none() {
        return Err(LocationError::Scheme(location.clone()));
    }
    let endpoint = settings.s3_endpoint.parse::<http::Uri>();
    let usable = |uri: http::Uri| matches!(uri.scheme_str(), Some("http" | "https"));
    if settings.s3_endpoint.is_empty() || endpoint.is_ok_and(usable) {
        Ok(())
    } else {
        Err(LocationError::Endpoint(settings.s3_endpoint.clone()))
    }
}

impl Settings {
    /// What is wrong with these settings.
    pub(crate) fn flaw(&self) -> Option<String> {
        if !(0.0..=1.0).contains(&self.session_share) {
            return Some(format!("session_share {} is outside 0..=1", self.session_share));
        }
        if !(1..=3_600).contains(&self.segment_s) || self.incident_s > 600 || self.incident_samples > 10_000_000 {
            return Some("segment_s is 1 to 3600, incident_s at most 600, incident_samples at most 10 000 000".into());
        }
        if self.retention_days == 0 || self.max_megabytes < 16 {
            return Some("retention_days is at least 1, max_megabytes at least 16".into());
        }
        check(self).err().map(|error| error.to_string())
    }
}

/// Bucket and prefix of `s3://BUCKET/PREFIX`.
fn bucket(location: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) = location.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
    (!bucket.is_empty()).then_some((bucket, prefix))
}

impl Store {
    /// Opens the place; a directory is made, of a bucket nothing is asked yet.
    pub(super) fn open(settings: &Settings) -> Result<Self, object_store::Error> {
        let Some((bucket, prefix)) = bucket(&settings.location) else {
            let directory = PathBuf::from(&settings.location);
            fs::create_dir_all(&directory).map_err(|source| generic("directory", source))?;
            let objects = LocalFileSystem::new_with_prefix(&directory)?.with_fsync(true).with_automatic_cleanup(true);
            return Ok(Self { objects: Box::new(objects), prefix: Key::default(), directory: Some(directory) });
        };
        let endpoint = &settings.s3_endpoint;
        // Credentials come from AWS_ACCESS_KEY_ID and the like, or from the machine's role; never from a file of Headroom.
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_config(AmazonS3ConfigKey::Region, &settings.s3_region)
            .with_http_connector(Connector { encrypted: !endpoint.starts_with("http://") })
            .with_retry(RetryConfig { max_retries: 2, retry_timeout: PATIENCE, ..RetryConfig::default() });
        if !endpoint.is_empty() {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        Ok(Self { objects: Box::new(builder.build()?), prefix: Key::from(prefix), directory: None })
    }

    /// Puts a file there, whole or not at all, durable when this returns.
    pub(super) async fn put(&self, partition: &str, name: &str, bytes: Vec<u8>) -> Result<(), object_store::Error> {
        let key = Key::from(format!("{}/{partition}/{name}.parquet", self.prefix));
        self.objects.put(&key, bytes.into()).await.map(drop)
    }

    /// Deletes files older than `retention_days`, counted from the newest, and the oldest while all are larger than
    /// `max_megabytes`. Returns how many went.
    pub(super) async fn clean(&self, settings: &Settings) -> Result<usize, object_store::Error> {
        self.sweep().map_err(|source| generic("directory", source))?;
        let all: Vec<ObjectMeta> = self.objects.list(Some(&self.prefix)).try_collect().await?;
        let mut files: Vec<(String, ObjectMeta)> =
            all.into_iter().filter_map(|file| Some((hour(&file.location)?, file))).collect();
        files.sort_by(|(a, _), (b, _)| a.cmp(b));
        let Some((newest, _)) = files.last() else { return Ok(0) };
        let oldest_kept = before(newest, settings.retention_days);
        let mut bytes: u64 = files.iter().map(|(_, file)| file.size).sum();
        let mut deleted = 0;
        for (hour, file) in files {
            if hour >= oldest_kept && bytes <= settings.max_megabytes * 1024 * 1024 {
                break;
            }
            self.objects.delete(&file.location).await?;
            bytes -= file.size;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Deletes what a process that was killed had not yet renamed. Readers do not see it: its name does not end as a
    /// file's does.
    fn sweep(&self) -> io::Result<()> {
        self.directory.as_deref().map_or(Ok(()), sweep)
    }
}

fn sweep(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            sweep(&path)?;
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().contains(".parquet#"))
            && fs::metadata(&path)?.modified()?.elapsed().is_ok_and(|age| age >= UNFINISHED)
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// `2026-11-27T22` of a file's partition; `None` for files of others.
fn hour(key: &Key) -> Option<String> {
    let text = key.as_ref().strip_suffix(".parquet")?;
    let part = |name: &str| text.split('/').find_map(|part| part.strip_prefix(name));
    Some(format!("{}T{}", part("date=")?, part("hour=")?))
}

/// The hour `days` before `hour`.
fn before(hour: &str, days: u32) -> String {
    let Some((date, clock)) = hour.split_once('T') else { return String::new() };
    let day = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").ok();
    let earlier = day.and_then(|day| day.checked_sub_days(chrono::Days::new(days.into())));
    // A date that cannot be read must not delete anything: every name sorts after the empty one.
    earlier.map_or_else(String::new, |day| format!("{}T{clock}", day.format("%Y-%m-%d")))
}

fn generic(store: &'static str, source: io::Error) -> object_store::Error {
    object_store::Error::Generic { store, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart() {
        for good in ["/var/lib/headroom", "relative", "s3://bucket", "s3://bucket/a/b"] {
            check(&Settings { location: good.into(), ..Settings::default() }).unwrap();
        }
        for bad in ["s3://", "gs://bucket", "http://x"] {
            assert!(check(&Settings { location: bad.into(), ..Settings::default() }).is_err(), "{bad}");
        }
        let endpoint = |text: &str| Settings { s3_endpoint: text.into(), ..Settings::default() };
        check(&endpoint("http://127.0.0.1:5000")).unwrap();
        assert!(check(&endpoint("ftp://x")).is_err());
        assert!(check(&endpoint("a b")).is_err());
    }

    #[test]
    fn the_age_of_a_file_is_in_its_name() {
        assert_eq!(hour(&Key::from("p/samples/date=2026-03-01/hour=05/x.parquet")).unwrap(), "2026-03-01T05");
        assert_eq!(hour(&Key::from("p/other.parquet")), None);
        assert_eq!(before("2026-03-01T05", 1), "2026-02-28T05");
        assert_eq!(before("nonsense", 1), "");
    }
}
