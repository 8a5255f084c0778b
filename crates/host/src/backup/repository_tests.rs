//! What a repository makes of contents that were damaged after they were copied.

use super::Repository;
use super::checkpoint::Checkpoint;
use std::fs;
use std::path::Path;

const TABLE_FILE: &str = "rows of a table";

fn checkpoint(path: &Path) -> Checkpoint {
    fs::create_dir_all(path).unwrap();
    fs::write(path.join("CURRENT"), "MANIFEST-000001").unwrap();
    fs::write(path.join("000007.sst"), TABLE_FILE).unwrap();
    Checkpoint::open(path).unwrap()
}

/// Changes each content, and the size of none.
fn damage_all(repository: &Path) {
    for entry in fs::read_dir(repository.join("contents")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes[3] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn a_copy_replaces_a_damaged_content() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("backups");
    let repository = Repository::create(&path).unwrap();
    let first = repository
        .add("g", &checkpoint(&directory.path().join("first")))
        .unwrap();
    damage_all(&path);
    assert_eq!(repository.verify(&first.manifest).len(), 2);
    // The same contents in other files, as of a store that was restored.
    let second = repository
        .add("g", &checkpoint(&directory.path().join("second")))
        .unwrap();
    assert_eq!(repository.verify(&second.manifest), [""; 0]);
    assert_eq!(
        repository.verify(&first.manifest),
        [""; 0],
        "it has the same contents"
    );
    assert!(fs::read_dir(path.join("new")).unwrap().next().is_none());
}

#[test]
fn a_file_is_not_taken_for_another_guest_s() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("backups");
    let repository = Repository::create(&path).unwrap();
    let files = checkpoint(&directory.path().join("files"));
    repository.add("g", &files).unwrap();
    damage_all(&path);
    let other = repository.add("h", &files).unwrap();
    assert_eq!(repository.verify(&other.manifest), [""; 0]);
    let again = repository.add("h", &files).unwrap();
    assert_eq!((again.copied_files, again.copied_bytes), (0, 0));
}
