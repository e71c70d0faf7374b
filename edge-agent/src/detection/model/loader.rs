//! Watches the folders of bundles and brings what is good to the runner, while it runs.
//!
//! On a thread of its own, because reading, verifying and trying a bundle takes some tens of ms. A bundle
//! is seated only when everything about it is right ([`super::Bundle`], [`super::Store`], self-test);
//! otherwise whatever runs goes on, and at start the last accepted bundle is taken from the state folder.
//! Every refusal is a [`ModelFault`] with the reason. A bundle that is being copied is not looked at
//! before its files have stood still.
//!
//! A crash between accepting and seating is harmless: the next start reads the same bundle again.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use gridwatch_anomaly::model::Fuser;

use super::runner::Handle;
use crate::uplink::chain;

use super::{Backend, Bundle, Engine, Keys, Loaded, ModelError, ModelFault, Store};

/// How often the folders are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// While nothing runs the same bundle is tried again this often: the runtime's library may have been put
/// right.
const AGAIN: Duration = Duration::from_secs(30);

/// Where models come from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Folder with a sub-folder for each fuser.
    pub bundles: PathBuf,
    /// Folder with candidates, likewise.
    pub shadow: Option<PathBuf>,
    /// Who may sign.
    pub keys: Keys,
    /// What runs them.
    pub backend: Backend,
    /// The agent's state folder.
    pub state_dir: PathBuf,
}

/// The watching thread's state.
#[derive(Debug)]
pub struct Loader {
    source: Source,
    store: Store,
    handle: Handle,
    current: [Watched; 2],
    candidate: [Watched; 2],
}

/// One bundle's folder as it was last seen.
#[derive(Debug, Default)]
struct Watched {
    seen: Option<Look>,
    /// The bundle that was seated.
    running: Option<String>,
    tried: Option<Instant>,
    is_well: bool,
}

/// What a folder looks like from outside; a change of it is worth reading it again.
type Look = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl Loader {
    /// Starts the thread; it ends when the runner is gone.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(source: Source, handle: Handle) -> io::Result<()> {
        let loader = Self::new(source, handle);
        thread::Builder::new()
            .name("model-loader".into())
            .spawn(move || loader.run())
            .map(drop)
    }

    /// A loader that is asked by hand, through [`Loader::look`].
    #[must_use]
    pub fn new(source: Source, handle: Handle) -> Self {
        Self {
            store: Store::new(&source.state_dir),
            source,
            handle,
            current: Default::default(),
            candidate: Default::default(),
        }
    }

    fn run(mut self) {
        while !self.handle.is_orphan() {
            self.look();
            thread::sleep(LOOK);
        }
    }

    /// Looks once at all folders and takes in what changed.
    pub fn look(&mut self) {
        for (index, fuser) in Fuser::ALL.into_iter().enumerate() {
            let folder = self.source.bundles.join(fuser.id());
            let reload = self.handle.wants_reload(fuser);
            if reload {
                self.current[index].running = None;
            }
            if self.current[index].is_due(&folder, reload) {
                self.take_current(index, fuser, &folder);
            }
            if let Some(shadow) = self.source.shadow.clone() {
                let folder = shadow.join(fuser.id());
                if self.candidate[index].is_due(&folder, false) {
                    self.take_candidate(index, fuser, &folder);
                }
            }
        }
    }

    fn take_current(&mut self, index: usize, fuser: Fuser, folder: &Path) {
        let outcome = self.current(index, fuser, folder);
        let fault = match outcome {
            Ok(fault) => {
                self.current[index].is_well = true;
                fault
            }
            Err(error) => {
                self.current[index].is_well = false;
                self.fall_back(index, fuser, folder, &error)
            }
        };
        if let Some(fault) = &fault {
            tracing::error!(
                fuser = fuser.id(),
                code = fault.code(),
                "{}",
                fault.text().en
            );
        }
        self.handle.set_loading_fault(fuser, fault);
    }

    /// Seats the configured bundle, unless it is the one that sits there.
    fn current(
        &mut self,
        index: usize,
        fuser: Fuser,
        folder: &Path,
    ) -> Result<Option<ModelFault>, ModelError> {
        let bundle = Bundle::read(folder, &self.source.keys)?;
        self.store.check(&bundle)?;
        let sha256 = bundle.sha256();
        if self.current[index].running.as_deref() == Some(&sha256) {
            return Ok(None);
        }
        let loaded = self.start_bundle(&bundle, fuser)?;
        // Run it all the same when the disk refuses: a full disk must not cost the model.
        let kept = self.store.accept(&bundle);
        self.seat(index, fuser, loaded, sha256);
        Ok(kept.err().map(|error| ModelFault::NotKept {
            error: chain(&error),
        }))
    }

    /// What goes on when the configured bundle is no good.
    fn fall_back(
        &mut self,
        index: usize,
        fuser: Fuser,
        folder: &Path,
        error: &ModelError,
    ) -> Option<ModelFault> {
        let told = chain(error);
        if self.current[index].running.is_none() {
            let last = self.last_good(fuser);
            match last {
                Ok(Some((loaded, sha256))) => self.seat(index, fuser, loaded, sha256),
                Ok(None) if self.is_left_out(folder) => return None,
                Ok(None) => return Some(ModelFault::NotLoaded { error: told }),
                Err(second) => {
                    let error = format!("{told}; the last good bundle: {}", chain(&second));
                    return Some(ModelFault::NotLoaded { error });
                }
            }
        }
        let build = self.handle.current(fuser).map_or(0, |m| m.build);
        Some(ModelFault::Refused { error: told, build })
    }

    fn last_good(&self, fuser: Fuser) -> Result<Option<(Loaded, String)>, ModelError> {
        let Some(folder) = self.store.last_good(fuser.id())? else {
            return Ok(None);
        };
        let bundle = Bundle::read(&folder, &self.source.keys)?;
        self.store.check(&bundle)?;
        let loaded = self.start_bundle(&bundle, fuser)?;
        Ok(Some((loaded, bundle.sha256())))
    }

    /// A folder that has the other fuser and never had this one: it is not wanted here.
    fn is_left_out(&self, folder: &Path) -> bool {
        let others = Fuser::ALL.map(|fuser| self.source.bundles.join(fuser.id()));
        !folder.exists() && others.iter().any(|other| other.is_dir())
    }

    fn seat(&mut self, index: usize, fuser: Fuser, loaded: Loaded, sha256: String) {
        let manifest = &loaded.manifest;
        tracing::info!(
            id = manifest.id,
            build = manifest.build,
            "anomaly model in use"
        );
        self.handle.put(fuser, loaded);
        self.current[index].running = Some(sha256);
    }

    /// A candidate's build number is not remembered: it has not been accepted.
    fn take_candidate(&mut self, index: usize, fuser: Fuser, folder: &Path) {
        let watched = &mut self.candidate[index];
        watched.is_well = true;
        if !folder.exists() {
            if watched.running.take().is_some() {
                self.handle.put_candidate(fuser, None);
            }
            return;
        }
        let outcome = Bundle::read(folder, &self.source.keys).and_then(|bundle| {
            self.store.check(&bundle)?;
            Ok((self.start_bundle(&bundle, fuser)?, bundle.sha256()))
        });
        let watched = &mut self.candidate[index];
        match outcome {
            Ok((_, sha256)) if watched.running.as_deref() == Some(&sha256) => {}
            Ok((loaded, sha256)) => {
                tracing::info!(build = loaded.manifest.build, "candidate model in shadow");
                watched.running = Some(sha256);
                self.handle.put_candidate(fuser, Some(loaded));
            }
            Err(error) => {
                watched.running = None;
                let error = chain(&error);
                tracing::error!(fuser = fuser.id(), "candidate model refused: {error}");
                self.handle.refuse_candidate(fuser, error);
            }
        }
    }

    fn start_bundle(&self, bundle: &Bundle, fuser: Fuser) -> Result<Loaded, ModelError> {
        let backend = &self.source.backend;
        catch_unwind(AssertUnwindSafe(|| {
            Loaded::start(bundle, Engine::of(fuser), backend)
        }))
        .unwrap_or(Err(ModelError::Panic {
            during: "loading the model",
        }))
    }
}

impl Watched {
    /// Whether the folder has to be read: when it changed and stands still again, when it must be read
    /// anew, or when the last try failed and is long ago.
    fn is_due(&mut self, folder: &Path, reload: bool) -> bool {
        let now = look(folder);
        let is_first = self.seen.is_none();
        let is_changed = self.seen.as_ref() != Some(&now);
        let again = !self.is_well
            && self.running.is_none()
            && self.tried.is_some_and(|at| at.elapsed() >= AGAIN);
        if !(is_changed || reload || again) {
            return false;
        }
        self.seen = Some(now);
        if is_changed && !is_first {
            thread::sleep(LOOK / 4);
            if self.seen.as_ref() != Some(&look(folder)) {
                // Still being written; looks changed again next time.
                self.seen = Some(Look::new());
                return false;
            }
        }
        self.tried = Some(Instant::now());
        true
    }
}

fn look(folder: &Path) -> Look {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return vec![(folder.to_owned(), None, 0)];
    };
    let mut look: Look = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let found = path.metadata().ok()?;
            Some((path, found.modified().ok(), found.len()))
        })
        .collect();
    look.sort();
    look
}
