# SPDX-License-Identifier: GPL-2.0-or-later
# The interface descriptions of D-Bus (org.dmmd1.*.xml) as sections of a manual page in mdoc.
# What a comment says stands in front of the element that it explains.

function attribute(line, name,    i, rest)
{
	i = index(line, " " name "=\"")
	if (!i)
		return ""
	rest = substr(line, i + length(name) + 3)
	return substr(rest, 1, index(rest, "\"") - 1)
}

# Sentences begin lines, as mdoc wants; a control character cannot begin one.
function say(text)
{
	gsub(/[ \t]+/, " ", text)
	gsub(/^ | $/, "", text)
	if (text == "")
		return
	gsub(/-/, "\\-", text)
	gsub(/\. /, ".\n", text)
	if (text !~ /[.:]$/)
		text = text "."
	fold(text)
}

function fold(text,    n, i, m, j, sentences, words, line)
{
	n = split(text, sentences, "\n")
	for (i = 1; i <= n; i++) {
		m = split(sentences[i], words, " ")
		line = ""
		for (j = 1; j <= m; j++) {
			if (line != "" && length(line) + length(words[j]) > 78) {
				print line
				line = ""
			}
			line = line (line == "" ? "" : " ") words[j]
		}
		print line
	}
}

function item(kind, name, signature)
{
	if (!listed) {
		print ".Bl -tag -width Ds"
		listed = 1
	}
	printf ".It %s Cm %s", kind, name
	if (signature != "")
		printf " Pq Li %s", signature
	printf "\n"
	say(doc)
	doc = ""
}

function flush_member(    signature)
{
	if (member == "")
		return
	doc = member_doc
	item(member_kind, member, arguments)
	member = ""
}

/<!--/ {
	comment = 1
	doc = ""
}

comment {
	line = $0
	sub(/^[ \t]*<!--/, "", line)
	if (sub(/-->.*/, "", line))
		comment = 0
	doc = doc " " line
	next
}

/<interface / {
	print ".Ss Interface " attribute($0, "name")
	say(doc)
	doc = ""
	listed = 0
}

/<property / {
	item("Property", attribute($0, "name"), attribute($0, "type"))
}

/<(method|signal) / {
	member_kind = /<method / ? "Method" : "Signal"
	member = attribute($0, "name")
	member_doc = doc
	arguments = doc = ""
	if (/\/>/)
		flush_member()
}

/<arg / {
	arguments = arguments (arguments == "" ? "" : " , ") attribute($0, "type") " " attribute($0, "name")
}

/<\/(method|signal)>/ {
	flush_member()
}

/<\/interface>/ {
	if (listed)
		print ".El"
}
