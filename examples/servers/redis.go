// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// ask sends a command to Redis and reads the first line of the answer.
func ask(c net.Conn, r *bufio.Reader, words ...string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if _, err := c.Write([]byte(b.String())); err != nil {
		return err
	}
	line, err := r.ReadString('\n')
	if err == nil && strings.HasPrefix(line, "-") {
		err = errors.New(strings.TrimSpace(line[1:]))
	}
	return err
}

// commands sends n commands to a Redis, one after another.
func (f *field) commands(ctx context.Context, server string, n int, command func(i int) []string) error {
	c, err := f.dial(ctx, server)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for i := range n {
		if err := ask(c, r, command(i)...); err != nil {
			return fmt.Errorf("%s: %w", server, err)
		}
	}
	return nil
}

func (f *field) dial(ctx context.Context, server string) (net.Conn, error) {
	a, err := f.at(server)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", a)
}

// redisLoad is the everyday load of a Redis: a second's worth of keys that live for a minute.
func (f *field) redisLoad(ctx context.Context, server string) {
	for n := 0; sleep(ctx, time.Second) == nil; n++ {
		_ = f.commands(ctx, server, 20, func(i int) []string {
			return []string{"SET", fmt.Sprintf("session:%d", (n*20+i)%1200), strings.Repeat("x", 1000), "EX", "60"}
		}) // it may be down, which is a fault
	}
}

// stuff slowly writes keys of 10 kB into a Redis database.
func (f *field) stuff(ctx context.Context, server, db string, perSecond, seconds int) error {
	for n := range seconds {
		err := f.commands(ctx, server, perSecond+1, func(i int) []string {
			if i == 0 {
				return []string{"SELECT", db}
			}
			return []string{"SET", fmt.Sprintf("import:%d:%d", n, i), strings.Repeat("y", 10_000)}
		})
		if err != nil && !strings.Contains(err.Error(), "OOM") { // full is the goal
			return err
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil
}

// empty removes the keys of stuff.
func (f *field) empty(ctx context.Context, server, db string) error {
	return f.commands(ctx, server, 2, func(i int) []string {
		return [][]string{{"SELECT", db}, {"FLUSHDB"}}[i]
	})
}

func redisFaults() []fault {
	var crowd []net.Conn
	leave := func(context.Context, *field) (err error) {
		for _, c := range crowd {
			err = errors.Join(err, c.Close())
		}
		crowd = nil
		return err
	}
	return []fault{
		{
			name: "redis-memory", lane: "redis", alert: "RedisOutOfConfiguredMaxmemory", did: "an import writes big keys into db3 of sessions",
			truth: truth{labels: map[string]string{"instance": "sessions"}, implied: map[string]string{"job": "redis"}, series: `redis_(db_keys|db_avg|memory|net_input|commands|allocator|mem_)|redis.*(keys|memory|commands|input)`},
			harm:  func(ctx context.Context, f *field) error { return f.stuff(ctx, "redis-sessions", "3", 60, 40) },
			mend:  func(ctx context.Context, f *field) error { return f.empty(ctx, "redis-sessions", "3") },
		},
		{
			name: "redis-evictions", lane: "redis", alert: "RedisEvictions", did: "an import writes more into db5 of cache than there is room for",
			truth: truth{labels: map[string]string{"instance": "cache"}, implied: map[string]string{"job": "redis"}, series: `redis_(db_keys|db_avg|memory|net_input|commands|allocator|mem_)|redis.*(keys|memory|commands|input)`},
			harm:  func(ctx context.Context, f *field) error { return f.stuff(ctx, "redis-cache", "5", 60, 90) },
			mend:  func(ctx context.Context, f *field) error { return f.empty(ctx, "redis-cache", "5") },
		},
		{
			name: "redis-connections", lane: "redis", alert: "RedisTooManyConnections", did: "92 clients come to cache and stay",
			truth: truth{labels: map[string]string{"instance": "cache"}, implied: map[string]string{"job": "redis"}, series: `redis.*(client|connection)`},
			harm: func(ctx context.Context, f *field) error {
				for range 92 {
					c, err := f.dial(ctx, "redis-cache")
					if err != nil {
						return err
					}
					crowd = append(crowd, c)
				}
				return nil
			},
			mend: leave,
		},
		{
			name: "redis-down", lane: "redis", alert: "RedisDown", did: "sessions is killed",
			truth: truth{labels: map[string]string{"instance": "sessions"}, implied: map[string]string{"job": "redis"}, series: `^redis`},
			harm:  func(_ context.Context, f *field) error { return f.kill("redis-sessions") },
			mend:  func(_ context.Context, f *field) error { return f.redis("redis-sessions", "noeviction") },
		},
	}
}
