//! The paths that the public listener answers itself. All others go to the edge.

use http::Method;

/// One of our paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Decide,
    Advice,
    Cmcd,
    Samples,
    Feedback,
    Clip,
    Steering,
    Decision,
    Decisions,
    Health,
    Readiness,
}

impl Endpoint {
    #[cfg(test)]
    pub(super) const ALL: [Self; 11] = [
        Self::Decide,
        Self::Advice,
        Self::Cmcd,
        Self::Samples,
        Self::Feedback,
        Self::Clip,
        Self::Steering,
        Self::Decision,
        Self::Decisions,
        Self::Health,
        Self::Readiness,
    ];

    /// Whose path it is, with what follows in some: the name of a session, or the path that a player asked for.
    pub(super) fn of(path: &str) -> Option<(Self, &str)> {
        let endpoint = match path {
            "/decide" => Self::Decide,
            "/v1/advice" => Self::Advice,
            "/v1/cmcd" => Self::Cmcd,
            "/v1/samples" => Self::Samples,
            "/v1/feedback" => Self::Feedback,
            "/v1/feedback/audio" => Self::Clip,
            "/v1/steering" => Self::Steering,
            "/healthz" => Self::Health,
            "/readyz" => Self::Readiness,
            _ => {
                // Envoy puts the path of the player's request behind ours.
                if let Some(original) = path.strip_prefix("/decide/") {
                    return Some((Self::Decide, original));
                }
                let rest = path.strip_prefix("/v1/decisions/")?;
                return Some(match rest.strip_suffix("/events") {
                    Some(session) => (Self::Decisions, session),
                    None => (Self::Decision, rest),
                });
            }
        };
        Some((endpoint, ""))
    }

    /// Its path as a document names it; [`Endpoint::of`] leads back.
    #[cfg(test)]
    pub(super) const fn template(self) -> &'static str {
        match self {
            Self::Decide => "/decide",
            Self::Advice => "/v1/advice",
            Self::Cmcd => "/v1/cmcd",
            Self::Samples => "/v1/samples",
            Self::Feedback => "/v1/feedback",
            Self::Clip => "/v1/feedback/audio",
            Self::Steering => "/v1/steering",
            Self::Decision => "/v1/decisions/{session}",
            Self::Decisions => "/v1/decisions/{session}/events",
            Self::Health => "/healthz",
            Self::Readiness => "/readyz",
        }
    }

    /// Methods it takes beside OPTIONS; HEAD comes with GET.
    pub(super) const fn methods(self) -> &'static [Method] {
        match self {
            Self::Cmcd | Self::Samples | Self::Clip => &[Method::POST],
            // GET opens a WebSocket.
            Self::Feedback => &[Method::GET, Method::POST],
            _ => &[Method::GET],
        }
    }

    /// Whether it takes `method`.
    pub(super) fn takes(self, method: &Method) -> bool {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        // A web server asks with the method of the player's own request.
        let asks_for_another = self == Self::Decide && method != Method::TRACE && method != Method::CONNECT;
        asks_for_another || self.methods().contains(method)
    }

    /// Value of `Allow` (RFC 9110 §10.2.1).
    pub(super) const fn allow(self) -> &'static str {
        match self {
            Self::Cmcd | Self::Samples | Self::Clip => "POST, OPTIONS",
            Self::Feedback => "GET, POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_lead_to_their_endpoints() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::of(endpoint.template()).unwrap().0, endpoint);
            let all = endpoint.methods().iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
            assert!(endpoint.allow().replace("HEAD, ", "").starts_with(&all), "{endpoint:?}");
        }
        assert_eq!(Endpoint::of("/decide/a/seg.m4s"), Some((Endpoint::Decide, "a/seg.m4s")));
        for other in ["/", "/v1", "/v1/cmcd/", "/v1/decisions", "/decided/x", "/V1/cmcd"] {
            assert_eq!(Endpoint::of(other), None, "{other}");
        }
    }
}
