// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"
)

// natsLog passes the words of the embedded server to slog. It also keeps the
// first fatal line and the last error: the server reports a failed start, and
// why it does not get together with another, only there.
//
// A server says the same thing at each try, many times a second if a node
// with another secret knocks; lines that differ in numbers only are passed on
// once in tellEvery.
type natsLog struct {
	log *slog.Logger

	mu    sync.Mutex
	fatal string
	last  string
	said  map[string]said
}

// said is a line that was passed on.
type said struct {
	at   time.Time
	kept int // of the same lines since, that were not
}

// tellEvery is the pause between two log lines about the same thing.
const tellEvery = 15 * time.Second

// numbers are what makes the same lines differ: ports, ids, counts of tries.
var numbers = regexp.MustCompile(`[0-9]+`)

// Noticef is told every detail of a start; that is of use when debugging only.
func (l *natsLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Warnf logs a warning.
func (l *natsLog) Warnf(format string, v ...any) { l.tell(slog.LevelWarn, fmt.Sprintf(format, v...)) }

// Errorf logs an error and remembers it.
func (l *natsLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.mu.Lock()
	l.last = text
	l.mu.Unlock()
	l.tell(slog.LevelError, text)
}

// tell logs a line, unless the same was told shortly before.
func (l *natsLog) tell(level slog.Level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := numbers.ReplaceAllString(text, "#")
	was, known := l.said[key]
	if known && time.Since(was.at) < tellEvery {
		was.kept++
		l.said[key] = was
		return
	}
	if l.said == nil || len(l.said) > 1000 { // words of strangers may be in the lines
		l.said = map[string]said{}
	}
	l.said[key] = said{at: time.Now()}
	if was.kept > 0 {
		text = fmt.Sprintf("%s (and %d times more before)", text, was.kept)
	}
	l.log.Log(context.Background(), level, text)
}

// Debugf logs what the server says about itself.
func (l *natsLog) Debugf(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Tracef drops the protocol trace, which the server is never asked for.
func (l *natsLog) Tracef(string, ...any) {}

// Fatalf logs and remembers the reason, and does not end the process.
func (l *natsLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal == "" {
		l.fatal = text
	}
}

// failure returns the first fatal line, or "".
func (l *natsLog) failure() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

// trouble says in words for people what the last error line was about, or "".
func (l *natsLog) trouble() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch text := l.last; {
	case strings.Contains(text, "Authorization Violation"), strings.Contains(text, "authentication error"):
		return "a node has another secret than this one"
	case strings.Contains(text, "TLS"), strings.Contains(text, "tls"), strings.Contains(text, "x509"):
		return "the nodes don't accept each other's TLS: " + where.ReplaceAllString(text, "")
	default:
		return where.ReplaceAllString(text, "")
	}
}

// where is what the server puts before what happened on a connection.
var where = regexp.MustCompile(`^\S+ - rid:[0-9]+ - | ?\(attempt [0-9]+\)`)
