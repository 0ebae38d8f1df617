//! Rust source with comments and literals blanked out, so that the rules see only code, and with its test parts known.
//! No full parser: enough of the lexical grammar to be right about where comments, strings and braces are.

use std::ops::Range;

/// What stands for each character of a literal; a line of a long string still counts as a line of code.
const LITERAL: char = '~';

/// A masked text. Lines and positions are those of the text it was made from, counted in characters.
pub struct Masked {
    /// Comments are spaces, insides of literals are `~`.
    pub code: Vec<char>,
    /// The stretches behind `#[cfg(test)]`.
    tests: Vec<Range<usize>>,
    /// The names in `#[cfg(test)] mod name;`.
    pub test_modules: Vec<String>,
}

impl Masked {
    /// Masks `text`.
    pub fn new(text: &str) -> Self {
        let code = mask(text);
        let (tests, test_modules) = test_items(&code);
        Self { code, tests, test_modules }
    }

    /// Where `word` stands as a whole word.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let wanted: Vec<char> = word.chars().collect();
        let in_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
        (0..self.code.len()).filter(move |at| {
            let (before, after) = (at.checked_sub(1), at + wanted.len());
            self.code.get(*at..after) == Some(wanted.as_slice())
                && !before.is_some_and(|before| in_word(self.code.get(before)))
                && !(in_word(wanted.last()) && in_word(self.code.get(after)))
        })
    }

    /// The line of a position, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        1 + self.code.iter().take(at).filter(|c| **c == '\n').count()
    }

    /// Whether a position belongs to tests.
    pub fn in_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// The code of a stretch.
    pub fn slice(&self, range: Range<usize>) -> String {
        self.code.get(range).unwrap_or_default().iter().collect()
    }

    /// The position behind the item that begins at `from`: behind its closing brace, or its semicolon.
    pub fn item_end(&self, from: usize) -> usize {
        item_end(&self.code, from)
    }
}

fn mask(text: &str) -> Vec<char> {
    let text: Vec<char> = text.chars().collect();
    let mut code = Vec::with_capacity(text.len());
    while let Some(c) = text.get(code.len()) {
        let at = code.len();
        let rest = text.get(at..).unwrap_or_default();
        let (length, fill) = match (c, rest.get(1)) {
            ('/', Some('/')) => (rest.iter().take_while(|c| **c != '\n').count(), ' '),
            ('/', Some('*')) => (block_comment(rest), ' '),
            ('"', _) => (string(rest), LITERAL),
            ('r', Some('"' | '#')) if !follows_word(&code) => (raw_string(rest), LITERAL),
            ('\'', _) => (character(rest), LITERAL),
            _ => (0, ' '),
        };
        let masked = rest.iter().take(length).map(|c| if *c == '\n' { '\n' } else { fill });
        code.extend(masked);
        if length == 0 {
            code.push(*c);
        }
    }
    code
}

/// Whether the character before is part of a word (other than the `b` or `c` of a byte or C string).
fn follows_word(code: &[char]) -> bool {
    let word: Vec<&char> = code.iter().rev().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
    !matches!(word.as_slice(), [] | ['b' | 'c'])
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(c) = rest.get(at) {
        match (c, rest.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while let Some(c) = rest.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `r#"..."#`; 0 for a raw identifier.
fn raw_string(rest: &[char]) -> usize {
    let hashes = rest.iter().skip(1).take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let mut end = vec!['"'];
    end.extend(std::iter::repeat_n('#', hashes));
    let body = rest.get(hashes + 2..).unwrap_or_default();
    let found = body.windows(end.len()).position(|window| window == end);
    found.map_or(rest.len(), |at| hashes + 2 + at + end.len())
}

/// The length of `'x'` or `'\n'`; 0 for a lifetime.
fn character(rest: &[char]) -> usize {
    match (rest.get(1), rest.get(2)) {
        (Some('\\'), _) => {
            3 + rest.iter().skip(3).take_while(|c| **c != '\'').count() + usize::from(rest.len() > 3)
        }
        (Some(_), Some('\'')) => 3,
        _ => 0,
    }
}

fn test_items(code: &[char]) -> (Vec<Range<usize>>, Vec<String>) {
    let attribute: Vec<char> = "#[cfg(test)]".chars().collect();
    let (mut ranges, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < code.len() {
        if !code.get(at..).unwrap_or_default().starts_with(&attribute) {
            at += 1;
            continue;
        }
        let end = item_end(code, at + attribute.len());
        let item: String = code.get(at + attribute.len()..end).unwrap_or_default().iter().collect();
        let declared = item.trim().strip_suffix(';').and_then(|item| item.split_once("mod "));
        modules.extend(declared.map(|(_, name)| name.trim().to_string()));
        ranges.push(at..end);
        at = end;
    }
    (ranges, modules)
}

/// A semicolon or a closed brace ends an item, unless it is inside parentheses or brackets.
fn item_end(code: &[char], from: usize) -> usize {
    let (mut braces, mut others) = (0_i32, 0_i32);
    for (at, c) in code.iter().enumerate().skip(from) {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        let closed = *c == '}' && braces <= 0 || *c == ';' && braces == 0;
        if closed && others <= 0 {
            return at + 1;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        Masked::new(text).code.iter().collect()
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        assert_eq!(masked("a // b\nc"), "a     \nc");
        assert_eq!(masked("a /* b /* c */ d */ e"), "a                   e");
        assert_eq!(masked(r#"x("a\"b") y"#), "x(~~~~~~) y");
        assert_eq!(masked(r###"x(r#"a"b"#)"###), "x(~~~~~~~~)");
        assert_eq!(masked("'{' '\\'' '\\u{1}' b'a'"), "~~~ ~~~~ ~~~~~~~ b~~~");
        assert_eq!(masked("fn f<'a>(x: &'a str)"), "fn f<'a>(x: &'a str)");
        assert_eq!(masked("\"// no comment\" z"), "~~~~~~~~~~~~~~~ z");
        assert_eq!(masked("r#type for\"x\""), "r#type for~~~");
    }

    #[test]
    fn words_are_whole() {
        let masked = Masked::new("ab abc c_ab ab! // ab");
        assert_eq!(masked.words("ab").collect::<Vec<_>>(), [0, 12]);
    }

    #[test]
    fn test_parts_are_known() {
        let text = "use a;\n#[cfg(test)]\nmod tests {\n fn f() { \"}\"; }\n}\nuse b;\n#[cfg(test)]\npub mod golden;\nuse c;";
        let masked = Masked::new(text);
        let tested = |word: &str| masked.words(word).map(|at| masked.in_test(at)).collect::<Vec<_>>();
        assert_eq!((tested("use"), tested("fn")), (vec![false; 3], vec![true]));
        assert_eq!(masked.test_modules, ["golden"]);
    }
}
