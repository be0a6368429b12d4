"""The patterns that Grok knows by name.

The names and what each matches are Logstash's of version 1.4, which AWS documents for Athena's SerDe and Glue's classifiers:
https://docs.aws.amazon.com/athena/latest/ug/grok-serde.html, https://docs.aws.amazon.com/glue/latest/dg/custom-classifier.html.
A field called UNWANTED is none.
"""

from __future__ import annotations

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|[0-1]?[0-9]{1,2})"
_STRICT_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_HEX = "[A-Fa-f0-9]"
_PART = rf"{_HEX}{{1,4}}"


def _ipv6() -> str:
    """Eight groups of hex digits, of which one run may be left out and the last two be written as an IPv4 address."""
    v4 = rf"{_STRICT_BYTE}(?:\.{_STRICT_BYTE}){{3}}"
    forms = [rf"(?:{_PART}:){{7}}(?:{_PART}|:)", rf"(?:{_PART}:){{6}}(?::{_PART}|{v4}|:)"]
    for before in range(5, 0, -1):
        after = 7 - before  # groups that may follow the gap
        gap = f"(?::{_PART}){{0,{after - 2}}}:{v4}" if after > 2 else f":{v4}"
        forms.append(rf"(?:{_PART}:){{{before}}}(?:(?::{_PART}){{1,{after}}}|{gap}|:)")
    forms.append(rf":(?:(?::{_PART}){{1,7}}|(?::{_PART}){{0,5}}:{v4}|:)")
    return f"(?:{'|'.join(forms)})(?:%.+)?"


def _quoted() -> str:
    """A text between two quotes of one kind, before each of which no backslash stands."""
    forms = [rf"{mark}(?>\\.|[^\\{mark}]+)*{mark}" for mark in "\"'`"]
    return rf"(?>(?<!\\)(?>{'|'.join(forms)}))"


def _months() -> str:
    names = "Jan|uary Feb|ruary Mar|ch Apr|il May| Jun|e Jul|y Aug|ust Sep|tember Oct|ober Nov|ember Dec|ember"
    return rf"\b(?:{_with_tails(names)})\b"


def _with_tails(names: str) -> str:
    pairs = (name.split("|") for name in names.split())
    return "|".join(f"{head}(?:{tail})?" if tail else head for head, tail in pairs)


def _levels() -> str:
    words = "alert trace debug notice info warn?(?:ing)? err?(?:or)? crit?(?:ical)? fatal severe"
    forms = [f"[{word[0].upper()}|{word[0]}]{word[1:]}|{word.upper()}" for word in words.split()]
    return f"({'|'.join(forms)}|EMERG(?:ENCY)?|[Ee]merg(?:ency)?)"


_LINES = rf"""
USERNAME [a-zA-Z0-9._-]+
USER %{{USERNAME:UNWANTED}}
INT (?:[+-]?[0-9]+)
BASE10NUM (?<![0-9.+-])(?>[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))
NUMBER (?:%{{BASE10NUM:UNWANTED}})
BASE16NUM (?<!{_HEX})(?:[+-]?(?:0x)?{_HEX}+)
BASE16FLOAT \b(?<![0-9A-Fa-f.])(?:[+-]?(?:0x)?(?:{_HEX}+(?:\.{_HEX}*)?|\.{_HEX}+))\b
POSINT \b(?:[1-9][0-9]*)\b
NONNEGINT \b(?:[0-9]+)\b
WORD \b\w+\b
NOTSPACE \S+
SPACE \s*
DATA .*?
GREEDYDATA .*
QUOTEDSTRING {_quoted()}
QS %{{QUOTEDSTRING:UNWANTED}}
UUID {_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}
MAC (?:%{{CISCOMAC:UNWANTED}}|%{{WINDOWSMAC:UNWANTED}}|%{{COMMONMAC:UNWANTED}})
CISCOMAC (?:(?:{_HEX}{{4}}\.){{2}}{_HEX}{{4}})
WINDOWSMAC (?:(?:{_HEX}{{2}}-){{5}}{_HEX}{{2}})
COMMONMAC (?:(?:{_HEX}{{2}}:){{5}}{_HEX}{{2}})
IPV6 {_ipv6()}
IPV4 (?<![0-9])(?:{_BYTE}(?:[.]{_BYTE}){{3}})(?![0-9])
IP (?:%{{IPV6:UNWANTED}}|%{{IPV4:UNWANTED}})
HOSTNAME \b[0-9A-Za-z][0-9A-Za-z-]{{0,62}}(?:\.[0-9A-Za-z][0-9A-Za-z-]{{0,62}})*(\.?|\b)
HOST %{{HOSTNAME:UNWANTED}}
IPORHOST (?:%{{HOSTNAME:UNWANTED}}|%{{IP:UNWANTED}})
HOSTPORT (?:%{{IPORHOST}}:%{{POSINT:PORT}})
PATH (?:%{{UNIXPATH}}|%{{WINPATH}})
UNIXPATH (?>/(?>[\w_%!$@:.,~-]+|\\.)*)+
TTY (?:/dev/(pts|tty([pq])?)(\w+)?/?(?:[0-9]+))
WINPATH (?>[A-Za-z]+:|\\)(?:\\[^\\?*]*)+
URIPROTO [A-Za-z]+(\+[A-Za-z+]+)?
URIHOST %{{IPORHOST}}(?::%{{POSINT:port}})?
URIPATH (?:/[A-Za-z0-9$.+!*'(){{}},~:;=@#%_\-]*)+
URIPARAM \?[A-Za-z0-9$.+!*'|(){{}},~@#%&/=:;_?\-\[\]]*
URIPATHPARAM %{{URIPATH}}(?:%{{URIPARAM}})?
URI %{{URIPROTO}}://(?:%{{USER}}(?::[^@]*)?@)?(?:%{{URIHOST}})?(?:%{{URIPATHPARAM}})?
MONTH {_months()}
MONTHNUM (?:0?[1-9]|1[0-2])
MONTHNUM2 (?:0[1-9]|1[0-2])
MONTHDAY (?:0[1-9]|[12][0-9]|3[01]|[1-9])
DAY (?:{_with_tails("Mon|day Tue|sday Wed|nesday Thu|rsday Fri|day Sat|urday Sun|day")})
YEAR (?>\d\d){{1,2}}
HOUR (?:2[0123]|[01]?[0-9])
MINUTE (?:[0-5][0-9])
SECOND (?:(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?)
TIME (?!<[0-9])%{{HOUR}}:%{{MINUTE}}(?::%{{SECOND}})(?![0-9])
DATE_US %{{MONTHNUM}}[/-]%{{MONTHDAY}}[/-]%{{YEAR}}
DATE_EU %{{MONTHDAY}}[./-]%{{MONTHNUM}}[./-]%{{YEAR}}
ISO8601_TIMEZONE (?:Z|[+-]%{{HOUR}}(?::?%{{MINUTE}}))
ISO8601_SECOND (?:%{{SECOND}}|60)
TIMESTAMP_ISO8601 %{{YEAR}}-%{{MONTHNUM}}-%{{MONTHDAY}}[T ]%{{HOUR}}:?%{{MINUTE}}(?::?%{{SECOND}})?%{{ISO8601_TIMEZONE}}?
DATE %{{DATE_US}}|%{{DATE_EU}}
DATESTAMP %{{DATE}}[- ]%{{TIME}}
TZ (?:[PMCE][SD]T|UTC)
DATESTAMP_RFC822 %{{DAY}} %{{MONTH}} %{{MONTHDAY}} %{{YEAR}} %{{TIME}} %{{TZ}}
DATESTAMP_RFC2822 %{{DAY}}, %{{MONTHDAY}} %{{MONTH}} %{{YEAR}} %{{TIME}} %{{ISO8601_TIMEZONE}}
DATESTAMP_OTHER %{{DAY}} %{{MONTH}} %{{MONTHDAY}} %{{TIME}} %{{TZ}} %{{YEAR}}
DATESTAMP_EVENTLOG %{{YEAR}}%{{MONTHNUM2}}%{{MONTHDAY}}%{{HOUR}}%{{MINUTE}}%{{SECOND}}
SYSLOGTIMESTAMP %{{MONTH}} +%{{MONTHDAY}} %{{TIME}}
PROG (?:[\w._/%-]+)
SYSLOGPROG %{{PROG:program}}(?:\[%{{POSINT:pid}}\])?
SYSLOGHOST %{{IPORHOST}}
SYSLOGFACILITY <%{{NONNEGINT:facility}}.%{{NONNEGINT:priority}}>
HTTPDATE %{{MONTHDAY}}/%{{MONTH}}/%{{YEAR}}:%{{TIME}} %{{INT}}
SYSLOGBASE %{{SYSLOGTIMESTAMP:timestamp}} (?:%{{SYSLOGFACILITY}} )?%{{SYSLOGHOST:logsource}} %{{SYSLOGPROG}}:
MESSAGESLOG %{{SYSLOGBASE}} %{{DATA}}
COMMONAPACHELOG %{{IPORHOST:clientip}} %{{USER:ident}} %{{USER:auth}} \[%{{HTTPDATE:timestamp}}\] "(?:%{{WORD:verb}} %{{NOTSPACE:request}}(?: HTTP/%{{NUMBER:httpversion}})?|%{{DATA:rawrequest}})" %{{NUMBER:response}} (?:%{{NUMBER:bytes}}|-)
COMBINEDAPACHELOG %{{COMMONAPACHELOG}} %{{QS:referrer}} %{{QS:agent}}
LOGLEVEL {_levels()}
"""

PATTERNS: dict[str, str] = dict(line.split(" ", 1) for line in _LINES.strip().splitlines())
