//! Which tables have foreign keys, and to which tables they refer.

use super::{ForeignKey, is_passing};
use crate::engine::Error;
use parking_lot::RwLock;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// `None`: not known yet.
static REGISTRY: RwLock<Option<Registry>> = RwLock::new(None);

/// Grows with every change of a table.
static VERSION: AtomicU64 = AtomicU64::new(1);

#[derive(Debug, Default)]
struct Registry {
    /// It is not certain what the host has: to be read anew before it is used again.
    doubted: bool,
    keys: HashMap<String, Arc<[ForeignKey]>>,
    /// By parent: the tables that refer to it.
    children: HashMap<String, BTreeSet<String>>,
    /// Tables that ALTER TABLE has put aside: what they were called, by their present
    /// names. They still count by the old ones.
    aside: HashMap<String, String>,
}

impl Registry {
    fn set(&mut self, name: &str, keys: Vec<ForeignKey>) {
        if let Some(old) = self.keys.remove(name) {
            for key in old.iter() {
                if let Some(children) = self.children.get_mut(&key.parent) {
                    children.remove(name);
                }
            }
            self.children.retain(|_, children| !children.is_empty());
        }
        if keys.is_empty() {
            return;
        }
        for key in &keys {
            self.children
                .entry(key.parent.clone())
                .or_default()
                .insert(name.to_owned());
        }
        self.keys.insert(name.to_owned(), keys.into());
    }

    /// Takes over what counts by names under which the host has no table just now.
    fn keep_aside(&mut self, old: &Self, on_host: &HashSet<String>) {
        for name in old.aside.values().filter(|name| !on_host.contains(*name)) {
            let keys = old.keys.get(name).map(|keys| keys.to_vec());
            self.set(name, keys.unwrap_or_default());
        }
        self.aside.clone_from(&old.aside);
    }
}

/// Makes the registry of what `all` finds, tables without keys among it, unless it is
/// there.
pub(super) fn load(all: impl FnOnce() -> Result<Vec<(String, Vec<ForeignKey>)>, Error>) -> Result<(), Error> {
    let is_there = |registry: &Option<Registry>| registry.as_ref().is_some_and(|known| !known.doubted);
    if is_there(&REGISTRY.read()) {
        return Ok(());
    }
    let mut registry = REGISTRY.write();
    if is_there(&registry) {
        return Ok(());
    }
    let (mut made, mut on_host) = (Registry::default(), HashSet::new());
    for (name, keys) in all()? {
        made.set(&name, keys);
        on_host.insert(name);
    }
    if let Some(old) = &*registry {
        made.keep_aside(old, &on_host);
    }
    *registry = Some(made);
    drop(registry);
    changed();
    Ok(())
}

/// Notes a table's keys; none for one that is gone.
pub(super) fn set(name: &str, keys: Vec<ForeignKey>) {
    if !is_passing(name)
        && let Some(registry) = &mut *REGISTRY.write()
    {
        registry.set(name, keys);
        // There it is, or its successor.
        registry.aside.retain(|_, before| before != name);
    }
    changed();
}

/// Notes that a change's outcome is not known.
pub(crate) fn doubted() {
    if let Some(registry) = &mut *REGISTRY.write() {
        registry.doubted = true;
    }
    changed();
}

/// Notes that a table has a passing name now.
pub(super) fn put_aside(from: &str, to: &str) {
    if !is_passing(from)
        && let Some(registry) = &mut *REGISTRY.write()
    {
        registry.aside.insert(to.to_owned(), from.to_owned());
    }
    changed();
}

/// What a table was called that is no longer aside under this name.
pub(super) fn take_aside(name: &str) -> Option<String> {
    match is_passing(name) {
        true => REGISTRY.write().as_mut()?.aside.remove(name),
        false => None,
    }
}

/// Notes that a table is not what it was.
pub(crate) fn changed() {
    VERSION.fetch_add(1, Ordering::Release);
}

/// Another number after every change of a table.
pub(crate) fn registry_version() -> u64 {
    VERSION.load(Ordering::Acquire)
}

/// The keys by which a table refers to others.
pub(crate) fn keys_of(name: &str) -> Arc<[ForeignKey]> {
    let registry = REGISTRY.read();
    let keys = registry.as_ref().and_then(|registry| registry.keys.get(name));
    keys.cloned().unwrap_or_default()
}

/// Whether tables refer to this one.
pub(crate) fn has_children(name: &str) -> bool {
    let registry = REGISTRY.read();
    registry
        .as_ref()
        .is_some_and(|registry| registry.children.contains_key(name))
}

/// The keys by which tables refer to this one, in the order of their names.
pub(crate) fn referring_to(name: &str) -> Vec<(String, ForeignKey)> {
    let registry = REGISTRY.read();
    let Some(registry) = &*registry else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for child in registry.children.get(name).into_iter().flatten() {
        let keys = registry.keys.get(child).into_iter().flat_map(|keys| keys.iter());
        found.extend(
            keys.filter(|key| key.parent == name)
                .map(|key| (child.clone(), key.clone())),
        );
    }
    found
}

/// Whether a table of the database, but `except`, has a constraint of this name.
pub(crate) fn name_taken(database: &str, constraint: &str, except: &str) -> bool {
    let registry = REGISTRY.read();
    registry.as_ref().is_some_and(|registry| {
        registry.keys.iter().any(|(table, keys)| {
            table != except
                && table.split_once('/').is_some_and(|(of, _)| of == database)
                && keys.iter().any(|key| key.name.eq_ignore_ascii_case(constraint))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_aside_still_counts_when_all_is_read_anew() {
        let key = ForeignKey {
            name: "k".into(),
            columns: vec!["p".into()],
            parent: "d/parent".into(),
            parent_id: 1,
            parent_columns: vec!["id".into()],
            on_delete: 0,
            on_update: 0,
        };
        let mut old = Registry::default();
        for child in ["d/replaced", "d/back", "d/gone"] {
            old.set(child, vec![key.clone()]);
        }
        for child in ["replaced", "back"] {
            old.aside
                .insert(format!("d/#sql-backup-{child}"), format!("d/{child}"));
        }
        let mut made = Registry::default();
        made.keep_aside(&old, &HashSet::from(["d/back".to_owned()]));
        let children: Vec<_> = made.children["d/parent"].iter().collect();
        assert_eq!(children, ["d/replaced"]);
        assert_eq!(made.aside, old.aside);
    }
}
