//! The tags of a repository, page by page.

use http::header::LINK;
use http::{Method, StatusCode};
use reqwest::{Request, Url};

use crate::answer::{DOCUMENT, Question};
use crate::{Error, Registry, scope};

/// Nobody has more pages than these.
const PAGES: usize = 10_000;

impl Registry {
    /// All tags of a repository, as the registry orders them.
    ///
    /// # Errors
    /// Where the registry does not list them.
    pub async fn tags(&self, repository: &str) -> Result<Vec<String>, Error> {
        let mut tags = Vec::new();
        let mut next = Some(self.url(repository, "tags/list")?);
        for _ in 0..PAGES {
            let Some(url) = next else { return Ok(tags) };
            let request = Request::new(Method::GET, url);
            let (question, answer) = match self.is_ours(request.url()) {
                true => self.ask(request, &scope::pull(repository)).await?,
                // Somebody else's page: he need not know who asks.
                false => {
                    let question = Question { method: Method::GET, url: request.url().to_string() };
                    let answer = self.send(request, None).await?;
                    (question, answer)
                }
            };
            let answer = question.wants(answer, StatusCode::OK).await?;
            let link = answer.headers().get(LINK).and_then(|header| header.to_str().ok()).map(str::to_owned);
            next = link.map(|link| follow(answer.url(), &link).map_err(|why| question.odd(why))).transpose()?;
            let page = question.json(answer, DOCUMENT).await?;
            let found = page["tags"].as_array().into_iter().flatten();
            tags.extend(found.filter_map(|tag| tag.as_str().map(str::to_owned)));
        }
        Err(Error::Odd { method: Method::GET, url: self.url(repository, "tags/list")?.into(), why: "endless".into() })
    }
}

/// `<address>; rel="next"`
fn follow(asked: &Url, link: &str) -> Result<Url, String> {
    let inner = link.strip_prefix('<').ok_or_else(|| format!("invalid next link {link:?}: missing '<'"))?;
    let (inner, _) = inner.split_once('>').ok_or_else(|| format!("invalid next link {link:?}: missing '>'"))?;
    asked.join(inner).map_err(|error| format!("invalid next link {link:?}: {error}"))
}
