//! Finding routes: a trie over the segments of their templates.
//!
//! At each segment a literal goes before `*`, and `*` before `**`; a way that
//! leads nowhere is left for the next. A path is taken as it came: nothing in it
//! is normalised, and segments that are empty or dots match no wildcard.

use http::Method;
use prost_reflect::DescriptorPool;

use super::rules::{self, Route, RouteError, Rule};
use super::template::{Segment, is_dots};
use crate::transcode::{Capture, Rejection, Request, Schema};

/// All routes.
#[derive(Debug)]
pub struct RouteTable {
    routes: Vec<Route>,
    nodes: Vec<Node>,
}

/// What there is at a path.
#[derive(Debug)]
pub enum Lookup<'t, 'p> {
    /// A route.
    Found(Match<'t, 'p>),
    /// Routes, but for other methods: the ones to put into `Allow`.
    MethodNotAllowed(Vec<Method>),
    /// Nothing.
    NotFound,
}

/// A route, and the path that led to it.
#[derive(Clone, Copy, Debug)]
pub struct Match<'t, 'p> {
    /// The route.
    pub route: &'t Route,
    /// The path without a verb.
    path: &'p str,
}

/// The place after some segments.
#[derive(Debug, Default)]
struct Node {
    /// Where literals lead, sorted.
    literals: Vec<(Box<str>, usize)>,
    /// Where `*` leads.
    any: Option<usize>,
    /// The routes that end here.
    ends: Vec<End>,
    /// The routes that take the rest of the path, whatever it is.
    rest: Vec<End>,
}

#[derive(Debug)]
struct End {
    verb: Option<Box<str>>,
    route: usize,
}

impl RouteTable {
    /// Builds the table from the `google.api.http` rules of all services.
    ///
    /// # Errors
    ///
    /// When a rule is broken, names fields that cannot be bound, or matches the
    /// same requests as another one.
    pub fn new(pool: &DescriptorPool, schema: &Schema) -> Result<Self, RouteError> {
        let mut table = Self {
            routes: Vec::new(),
            nodes: vec![Node::default()],
        };
        for rule in rules::read_all(pool, schema)? {
            table.insert(rule)?;
        }
        Ok(table)
    }

    /// All routes, in the order of the descriptors.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Finds the route for a method and path; HEAD is served by the route of GET.
    /// The path is without its query, and with its escapes.
    #[must_use]
    pub fn find<'t, 'p>(&'t self, method: &Method, path: &'p str) -> Lookup<'t, 'p> {
        let mut found = None;
        self.each(path, |path, routes| {
            // The route for just this method goes before one for any.
            found = found.or_else(|| {
                let is_served = |accept: fn(&Route, &Method) -> bool| {
                    routes
                        .iter()
                        .map(|end| &self.routes[end.route])
                        .find(|route| accept(route, method))
                };
                let route = is_served(names_method)
                    .or_else(|| is_served(serves_head))
                    .or_else(|| is_served(serves_any));
                route.map(|route| Match { route, path })
            });
            found.is_some()
        });
        match found {
            Some(found) => Lookup::Found(found),
            None => self
                .allowed(path)
                .map_or(Lookup::NotFound, Lookup::MethodNotAllowed),
        }
    }

    /// The methods that a path takes, in the order of their names, by the nearest
    /// template: `login` may stand where an id can, and is none. `None` if there is
    /// nothing.
    #[must_use]
    pub fn allowed(&self, path: &str) -> Option<Vec<Method>> {
        let mut methods = Vec::new();
        self.each(path, |_, ends| {
            for end in ends {
                match &self.routes[end.route].method {
                    Some(method) => methods.push(method.clone()),
                    None => methods.extend([
                        Method::DELETE,
                        Method::GET,
                        Method::PATCH,
                        Method::POST,
                        Method::PUT,
                    ]),
                }
            }
            !methods.is_empty()
        });
        if methods.is_empty() {
            return None;
        }
        if methods.contains(&Method::GET) {
            methods.push(Method::HEAD);
        }
        methods.push(Method::OPTIONS);
        methods.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        methods.dedup();
        Some(methods)
    }

    fn insert(&mut self, Rule { template, route }: Rule) -> Result<(), RouteError> {
        let mut at = 0;
        let mut takes_rest = false;
        for segment in template.segments {
            match segment {
                Segment::Literal(literal) => at = self.literal(at, literal),
                Segment::Any => at = self.any(at),
                Segment::Rest => takes_rest = true,
            }
        }
        let node = &mut self.nodes[at];
        let ends = if takes_rest {
            &mut node.rest
        } else {
            &mut node.ends
        };
        let is_same =
            |end: &&End| end.verb == template.verb && self.routes[end.route].method == route.method;
        if let Some(same) = ends.iter().find(is_same) {
            let other = &self.routes[same.route].rpc;
            return Err(RouteError {
                rpc: route.rpc.into(),
                template: route.template.into(),
                problem: format!("{other} has the same route"),
            });
        }
        ends.push(End {
            verb: template.verb,
            route: self.routes.len(),
        });
        // Routes with the same verb stand together, so that one lookup sees all.
        ends.sort_by(|a, b| a.verb.cmp(&b.verb));
        self.routes.push(route);
        Ok(())
    }

    fn literal(&mut self, at: usize, literal: Box<str>) -> usize {
        let new = self.nodes.len();
        let literals = &mut self.nodes[at].literals;
        match literals.binary_search_by(|(other, _)| other.cmp(&literal)) {
            Ok(place) => return literals[place].1,
            Err(place) => literals.insert(place, (literal, new)),
        }
        self.nodes.push(Node::default());
        new
    }

    fn any(&mut self, at: usize) -> usize {
        let new = self.nodes.len();
        if let Some(next) = self.nodes[at].any {
            return next;
        }
        self.nodes[at].any = Some(new);
        self.nodes.push(Node::default());
        new
    }

    /// Visits the routes at a path, the most specific first, until the visitor is
    /// satisfied. What follows the last colon may be a verb, or belong to the
    /// last segment.
    fn each<'t, 'p>(&'t self, path: &'p str, mut visit: impl FnMut(&'p str, &'t [End]) -> bool) {
        let Some(segments) = path.strip_prefix('/') else {
            return;
        };
        let last = segments.rfind('/').map_or(0, |slash| slash + 1);
        if let Some(colon) = segments[last..].rfind(':') {
            let (path, verb) = segments.split_at(last + colon);
            if self.walk(0, Some(path), Some(&verb[1..]), &mut |ends| {
                visit(path, ends)
            }) {
                return;
            }
        }
        self.walk(0, Some(segments), None, &mut |ends| visit(segments, ends));
    }

    fn walk<'t>(
        &'t self,
        at: usize,
        path: Option<&str>,
        verb: Option<&str>,
        visit: &mut impl FnMut(&'t [End]) -> bool,
    ) -> bool {
        let node = &self.nodes[at];
        let Some(path) = path else {
            return visit(with_verb(&node.ends, verb)) || visit(with_verb(&node.rest, verb));
        };
        let (segment, rest) = match path.split_once('/') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (path, None),
        };
        if let Ok(place) = node
            .literals
            .binary_search_by(|(literal, _)| (**literal).cmp(segment))
            && self.walk(node.literals[place].1, rest, verb, visit)
        {
            return true;
        }
        if let Some(next) = node.any
            && is_value(segment)
            && self.walk(next, rest, verb, visit)
        {
            return true;
        }
        !node.rest.is_empty() && path.split('/').all(is_value) && visit(with_verb(&node.rest, verb))
    }
}

impl<'t, 'p> Match<'t, 'p> {
    /// The parts of the path that are values of fields.
    #[must_use]
    pub fn captures(&self) -> Vec<Capture<'p>>
    where
        't: 'p,
    {
        let variables = self.route.variables.iter();
        variables
            .map(|variable| Capture {
                field: &variable.field,
                value: segments(self.path, variable.start, variable.length),
                is_multi_segment: variable.length != Some(1),
            })
            .collect()
    }

    /// Transcodes a request to the route's RPC.
    ///
    /// # Errors
    ///
    /// As [`Request::new`].
    pub fn request(
        &self,
        schema: &Schema,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Request, Rejection> {
        Request::new(schema, &self.route.binding, &self.captures(), query, body)
    }
}

fn names_method(route: &Route, method: &Method) -> bool {
    route.method.as_ref() == Some(method)
}

fn serves_head(route: &Route, method: &Method) -> bool {
    method == Method::HEAD && route.method == Some(Method::GET)
}

fn serves_any(route: &Route, _: &Method) -> bool {
    route.method.is_none()
}

/// The part of sorted ends that has this verb.
fn with_verb<'e>(ends: &'e [End], verb: Option<&str>) -> &'e [End] {
    let start = ends.partition_point(|end| end.verb.as_deref() < verb);
    let length = ends[start..].partition_point(|end| end.verb.as_deref() == verb);
    &ends[start..start + length]
}

/// Whether a wildcard takes a segment.
fn is_value(segment: &str) -> bool {
    !segment.is_empty() && !is_dots(segment)
}

/// Some segments of a path; none if it ends before they begin.
fn segments(path: &str, start: usize, length: Option<usize>) -> &str {
    let mut slashes = path.match_indices('/').map(|(place, _)| place);
    let from = match start.checked_sub(1) {
        None => 0,
        Some(before) => slashes.nth(before).map_or(path.len(), |slash| slash + 1),
    };
    let to = length
        .and_then(|length| slashes.nth(length - 1))
        .unwrap_or(path.len());
    &path[from..to]
}
