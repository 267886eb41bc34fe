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

// natsLog forwards the embedded server's log to slog. It keeps the first fatal line and the last
// error, because the server reports a failed start, or why it can't join a cluster, only there.
//
// A server repeats the same message at each try, many times a second if a node with another secret
// connects. Lines that differ only in numbers are forwarded once per tellEvery.
type natsLog struct {
	log *slog.Logger

	mu    sync.Mutex
	fatal string
	last  string
	said  map[string]said
}

// said is a line that was forwarded.
type said struct {
	at   time.Time
	kept int // how many were suppressed since
}

// tellEvery is the pause between two log lines about the same thing.
const tellEvery = 15 * time.Second

// numbers are ports, ids and counts, in which otherwise equal lines differ.
var numbers = regexp.MustCompile(`[0-9]+`)

// Noticef logs at debug level: it reports every detail of a start.
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

// tell logs a line, unless it was logged recently.
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
	if l.said == nil || len(l.said) > 1000 { // strangers may cause any lines
		l.said = map[string]said{}
	}
	l.said[key] = said{at: time.Now()}
	if was.kept > 0 {
		text = fmt.Sprintf("%s (and %d times more before)", text, was.kept)
	}
	l.log.Log(context.Background(), level, text)
}

// Debugf logs at debug level.
func (l *natsLog) Debugf(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Tracef drops the protocol trace, which is never enabled.
func (l *natsLog) Tracef(string, ...any) {}

// Fatalf logs and keeps the reason, but does not exit.
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

// trouble describes the last error for people, or returns "".
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

// where is the prefix or suffix that the server adds to errors of a connection.
var where = regexp.MustCompile(`^\S+ - rid:[0-9]+ - | ?\(attempt [0-9]+\)`)
