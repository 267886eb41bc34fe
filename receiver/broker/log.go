package broker

import (
	"fmt"
	"log/slog"
	"sync"
)

// natsLog passes the words of the embedded server to slog. It also keeps the
// first fatal line and the last error: the server reports a failed start, and
// why it does not get together with another, only there.
type natsLog struct {
	log *slog.Logger

	mu    sync.Mutex
	fatal string
	last  string
}

// Noticef is told every detail of a start; that is of use when debugging only.
func (l *natsLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Warnf logs a warning.
func (l *natsLog) Warnf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }

// Errorf logs an error and remembers it.
func (l *natsLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = text
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

// trouble returns the last error line, or "".
func (l *natsLog) trouble() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}
