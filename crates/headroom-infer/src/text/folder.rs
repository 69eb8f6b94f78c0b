//! Finds the folder with the models.

use std::{
    env,
    path::{Path, PathBuf},
};

/// No folder with models was found; holds the folders that were tried.
#[derive(Debug, thiserror::Error)]
#[error("no models for messages in {}; name their folder with --models or HEADROOM_MODELS", shown(.0))]
pub struct ModelsError(Vec<PathBuf>);

fn shown(tried: &[PathBuf]) -> String {
    tried.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A file every folder with models holds.
const MARK: &str = "sentiment-en/model.onnx";

/// The folder to load: `given`, or the first with models of `HEADROOM_MODELS`, `models` beside the program,
/// `share/headroom/models` beside its directory, `models` of the working directory, and of the checkout it was built in.
///
/// # Errors
/// When the given folder, or all of the others, hold no models.
pub fn find_models(given: Option<&Path>) -> Result<PathBuf, ModelsError> {
    let candidates = match given {
        Some(folder) => vec![folder.to_owned()],
        None => usual_folders(),
    };
    match candidates.iter().find(|folder| folder.join(MARK).is_file()) {
        Some(folder) => Ok(folder.clone()),
        None => Err(ModelsError(candidates)),
    }
}

fn usual_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = env::var_os("HEADROOM_MODELS").map(PathBuf::from).into_iter().collect();
    if let Some(beside) = env::current_exe().ok().as_deref().and_then(Path::parent) {
        folders.push(beside.join("models"));
        folders.push(beside.join("../share/headroom/models"));
    }
    folders.push(PathBuf::from("models"));
    folders.push(repository());
    folders
}

/// `models` of the checkout this was built from.
pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_models_is_refused_by_name() {
        let error = find_models(Some(Path::new("nowhere"))).unwrap_err();
        assert!(error.to_string().contains("in nowhere; name their folder"), "{error}");
    }
}
