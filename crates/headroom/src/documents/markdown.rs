//! As much of Markdown as the check needs: code, links, headings.

/// A piece of code: what stands between backquotes, or a line of a block.
pub(super) struct Snippet {
    pub(super) line: usize,
    pub(super) text: String,
    /// A line of a block, where a description may follow after two spaces.
    pub(super) in_block: bool,
}

/// A fenced block in a language.
pub(super) struct Block {
    pub(super) line: usize,
    pub(super) language: String,
    pub(super) text: String,
}

/// The document without its blocks, line by line as it was, and its blocks.
pub(super) fn split(text: &str) -> (String, Vec<Block>) {
    let (mut prose, mut blocks, mut open) = (String::new(), Vec::<Block>::new(), false);
    for (index, line) in text.lines().enumerate() {
        match line.trim_start().strip_prefix("```") {
            Some(language) if !open => {
                let language = language.trim().to_owned();
                blocks.push(Block { line: index + 2, language, text: String::new() });
                open = true;
            }
            Some(_) => open = false,
            None if open => {
                let block = blocks.last_mut().expect("a block is open");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => prose.push_str(line),
        }
        prose.push('\n');
    }
    (prose, blocks)
}

/// All code of a document. A span may go over the end of a line, but not of a paragraph.
pub(super) fn snippets(text: &str) -> Vec<Snippet> {
    let (prose, blocks) = split(text);
    let mut found = Vec::new();
    let mut line = 1;
    for paragraph in prose.split_inclusive("\n\n") {
        let mut at = line;
        for (index, piece) in paragraph.split('`').enumerate() {
            if index % 2 == 1 {
                found.push(Snippet { line: at, text: piece.replace('\n', " "), in_block: false });
            }
            at += piece.matches('\n').count();
        }
        line += paragraph.matches('\n').count();
    }
    for block in blocks {
        for (index, code) in block.text.lines().enumerate() {
            found.push(Snippet { line: block.line + index, text: code.to_owned(), in_block: true });
        }
    }
    found
}

/// Targets of the links of a document with their lines.
pub(super) fn links(text: &str) -> Vec<(usize, String)> {
    let (prose, _) = split(text);
    let mut found = Vec::new();
    for (index, line) in prose.lines().enumerate() {
        for rest in line.split("](").skip(1) {
            if let Some((target, _)) = rest.split_once(')') {
                found.push((index + 1, target.to_owned()));
            }
        }
    }
    found
}

/// The anchors of a document's headings, as GitHub makes them.
pub(super) fn anchors(text: &str) -> Vec<String> {
    let (prose, _) = split(text);
    let heading = |line: &str| line.starts_with('#').then(|| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | ' ');
    prose
        .lines()
        .filter_map(heading)
        .map(|title| title.chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}
