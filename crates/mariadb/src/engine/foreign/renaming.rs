//! Renaming tables, and the keys that follow.

use super::names::rename_generated;
use super::{ForeignKey, is_passing, number_of, read, registry};
use crate::engine::discovery::is_missing;
use crate::engine::{Connection, Error};

impl Connection {
    /// Renames a table, and lets what refers to it follow. What ALTER TABLE puts
    /// aside is not followed: another table takes its place.
    ///
    /// # Errors
    /// If the table has its old name: for what cannot be done behind the renaming all
    /// keys are read anew, and mended by the tables' numbers.
    pub(crate) fn rename_with_keys(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let follows = !is_passing(from) && !is_passing(to);
        if follows {
            self.load_foreign_keys()?;
            self.point_children(from, from)?;
        }
        // ALTER TABLE has no way back if one of its own names is not given or taken.
        self.surely(
            !follows,
            |session| session.rename_table(from, to),
            |session, error| match is_missing(error) {
                true => session
                    .open_table(to)
                    .map(|_| true)
                    .or_else(|error| match is_missing(&error) {
                        true => Ok(false),
                        false => Err(error),
                    }),
                false => Ok(false),
            },
        )?;
        if self.follow(from, to, follows).is_err() {
            registry::doubted();
        }
        Ok(())
    }

    fn follow(&mut self, from: &str, to: &str, follows: bool) -> Result<(), Error> {
        match is_passing(to) {
            // Until its successor is in its place, or it is back, whoever changes a table
            // that it refers to must find it, and wait for the server's lock on it.
            true => registry::put_aside(from, to),
            false => {
                registry::take_aside(from);
                registry::set(from, Vec::new());
            }
        }
        if follows {
            self.rename_own_keys(from, to)?;
        }
        self.note_table(to)?;
        match follows {
            true => self.point_children(from, to),
            false => Ok(()),
        }
    }

    /// Has all keys that refer to `from` refer to `to`.
    fn point_children(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let mut children: Vec<_> = registry::referring_to(from)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        children.dedup();
        if children.is_empty() {
            return Ok(());
        }
        let id = number_of(&mut self.session, to)?;
        for child in children {
            self.change_keys(&child, |key| {
                if key.parent == from {
                    to.clone_into(&mut key.parent);
                    key.parent_id = id;
                }
            })?;
        }
        Ok(())
    }

    fn rename_own_keys(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let id = number_of(&mut self.session, to)?;
        self.change_keys(to, |key| {
            if let Some(name) = rename_generated(&key.name, from, to) {
                key.name = name;
            }
            if key.parent == from {
                to.clone_into(&mut key.parent);
                key.parent_id = id;
            }
        })
    }

    fn change_keys(&mut self, name: &str, change: impl FnMut(&mut ForeignKey)) -> Result<(), Error> {
        let Some((_, mut definition)) = read(&mut self.session, name)? else {
            return Ok(());
        };
        let before = definition.foreign_keys.clone();
        definition.foreign_keys.iter_mut().for_each(change);
        if definition.foreign_keys != before {
            self.session.set_definition(name, &definition.encode()?)?;
            registry::set(name, definition.foreign_keys);
        }
        Ok(())
    }
}
