//! Debian's control format (deb-control(5)): paragraphs of fields.

/// What counts as a dependency, in the order of the rows.
const RELATIONS: &[&str] = &["Depends", "Enhances", "Pre-Depends", "Recommends", "Suggests"];

/// A package of the index.
#[derive(Debug, Clone, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) architecture: String,
    pub(super) section: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) maintainer: Option<String>,
    pub(super) installed_kib: Option<u64>,
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<String>,
    pub(super) description: Option<String>,
    /// Kind and list of what it relates to, ordered by kind.
    pub(super) relations: Vec<(&'static str, String)>,
}

impl Package {
    /// What tells packages apart and orders them.
    pub(super) fn key(&self) -> (&str, &str, &str) {
        (&self.name, &self.version, &self.architecture)
    }

    fn set(&mut self, field: &str, value: &str) {
        let text = || Some(value.to_owned());
        match field {
            "Package" => value.clone_into(&mut self.name),
            "Version" => value.clone_into(&mut self.version),
            "Architecture" => value.clone_into(&mut self.architecture),
            "Section" => self.section = text(),
            "Priority" => self.priority = text(),
            "Maintainer" => self.maintainer = text(),
            "Installed-Size" => self.installed_kib = value.parse().ok(),
            "Size" => self.size = value.parse().ok(),
            "SHA256" => self.sha256 = text(),
            "Description" => self.description = text(),
            _ => {
                if let Some(kind) = RELATIONS.iter().find(|kind| **kind == field) {
                    self.relations.push((kind, value.to_owned()));
                }
            }
        }
    }
}

/// Adds the packages of a package list to `all`.
pub(super) fn parse(list: &str, all: &mut Vec<Package>) {
    for paragraph in list
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
    {
        let mut package = Package::default();
        for (field, value) in fields(paragraph) {
            package.set(field, &value);
        }
        package.relations.sort();
        if !package.name.is_empty() {
            all.push(package);
        }
    }
}

/// The fields of a paragraph; lines that begin with a blank go on with the
/// field before them.
fn fields(paragraph: &str) -> Vec<(&str, String)> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in paragraph.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name, value.trim().to_owned()));
        }
    }
    fields
}

/// One package that another relates to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Relation<'a> {
    pub(super) target: &'a str,
    pub(super) constraint: Option<&'a str>,
}

/// The relations of a list like `a (>= 1), b | c`.
pub(super) fn relations(list: &str) -> impl Iterator<Item = Relation<'_>> {
    list.split([',', '|'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| match entry.split_once('(') {
            Some((target, constraint)) => Relation {
                target: target.trim(),
                constraint: Some(constraint.trim_end_matches(')').trim()),
            },
            None => Relation {
                target: entry,
                constraint: None,
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_on_over_lines() {
        let mut all = Vec::new();
        parse(
            "Package: a\nTag: x,\n y\nDescription: short\n long\nSize: 12\n\n\n",
            &mut all,
        );
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].description.as_deref(), Some("short\nlong"));
        assert_eq!(all[0].size, Some(12));
    }

    #[test]
    fn relations_keep_their_constraints() {
        let found: Vec<Relation<'_>> = relations("a (>= 1:2~), b:any | c, d (= 1)").collect();
        let relation = |target, constraint| Relation { target, constraint };
        assert_eq!(
            found,
            [
                relation("a", Some(">= 1:2~")),
                relation("b:any", None),
                relation("c", None),
                relation("d", Some("= 1")),
            ]
        );
    }

    #[test]
    fn kinds_are_in_order_whatever_the_list_says() {
        let mut all = Vec::new();
        parse(
            "Package: a\nSuggests: s\nDepends: d\nBreaks: b\nEnhances: e\n",
            &mut all,
        );
        let kinds: Vec<&str> = all[0].relations.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, ["Depends", "Enhances", "Suggests"]);
    }
}
