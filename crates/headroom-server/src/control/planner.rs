//! Outlooks, made once an hour from the history.

use crate::{
    history::{self, GroupBy, History},
    http::problem::Problem,
    plan::{DemandError, HOUR_S, Outlook, Settings},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::Mutex;

/// What plans are made from, and the latest outlooks: each is good until the next hour is whole.
pub(crate) struct Planner {
    pub(super) settings: Settings,
    outlooks: Mutex<BTreeMap<GroupBy, (u64, Arc<Outlook>)>>,
}

impl Planner {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, outlooks: Mutex::default() }
    }

    /// The outlook of this hour. A request that comes while it is being made waits for it.
    pub(super) async fn outlook(
        &self,
        history: Option<&History>,
        now_s: u64,
        by: GroupBy,
    ) -> Result<Arc<Outlook>, Problem> {
        let hour = now_s / HOUR_S;
        let mut outlooks = self.outlooks.lock().await;
        if let Some((at, outlook)) = outlooks.get(&by)
            && *at == hour
        {
            return Ok(Arc::clone(outlook));
        }
        let history = history.ok_or_else(|| {
            Problem::not_found("no history is kept: set history.directory or start with --data DIRECTORY")
        })?;
        let path = history.path().to_owned();
        let made = tokio::task::spawn_blocking(move || {
            let demand = history::demand(&path, by)?;
            Ok::<_, DemandError>(Outlook::of(demand))
        });
        let made = made.await.map_err(|_| Problem::not_ready("the plan could not be made"))?;
        let outlook = match made {
            Ok(Ok(outlook)) => Arc::new(outlook),
            Ok(Err(short)) => return Err(Problem::too_short(short.to_string())),
            Err(DemandError::History(problem)) => return Err(Problem::not_ready(problem)),
            Err(short) => return Err(Problem::too_short(short.to_string())),
        };
        outlooks.insert(by, (hour, Arc::clone(&outlook)));
        Ok(outlook)
    }
}
