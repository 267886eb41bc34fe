// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// postgres sets up a server with two databases, and starts it and its everyday load.
func (f *field) postgres(ctx context.Context) error {
	data := filepath.Join(f.dir, "postgres")
	if err := f.do(ctx, "chown", "postgres", data); err != nil {
		return err
	}
	command, args := asPostgres("initdb", "--pgdata="+data, "--username=postgres", "--auth=trust", "--no-sync")
	if err := f.do(ctx, command, args...); err != nil {
		return err
	}
	command, args = asPostgres("postgres", "-D", data, "-p", f.port("postgres"), "-k", data, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
		"-c", "max_connections=90", "-c", "max_locks_per_transaction=10", "-c", "deadlock_timeout=200ms", "-c", "autovacuum=off")
	if err := f.keep("postgres", command, args...); err != nil {
		return err
	}
	if err := f.fill(ctx); err != nil {
		return err
	}
	return errors.Join(
		f.bench("shop-load", "shop", "-c", "3", "-R", "10", "-T", "100000"),
		f.bench("reports-load", "reports", "-S", "-c", "2", "-R", "5", "-T", "100000"),
	)
}

// fill creates the databases once the server answers.
func (f *field) fill(ctx context.Context) error {
	var err error
	for range 60 {
		if err = f.sql(ctx, "postgres", "CREATE DATABASE shop", "CREATE DATABASE reports"); err == nil {
			break
		}
		if sleep(ctx, time.Second) != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	for _, db := range []string{"shop", "reports"} {
		if err := f.do(ctx, find("pgbench"), append(f.pg(db), "-i", "-q")...); err != nil {
			return err
		}
	}
	return errors.Join(
		f.sql(ctx, "shop", "CREATE TABLE stock AS SELECT i AS id, 0 AS n FROM generate_series(1, 2) i"),
		f.sql(ctx, "reports", "DO $$ BEGIN FOR i IN 1..400 LOOP EXECUTE format('CREATE TABLE part_%s (v int)', i); COMMIT; END LOOP; END $$"),
	)
}

// pg returns the arguments that connect a client to a database.
func (f *field) pg(db string) []string {
	return []string{"-h", "127.0.0.1", "-p", f.port("postgres"), "-U", "postgres", db}
}

// sql runs statements, each in a transaction.
func (f *field) sql(ctx context.Context, db string, statements ...string) error {
	args := append(f.pg(db), "-q", "-v", "ON_ERROR_STOP=1")
	for _, s := range statements {
		args = append(args, "-c", s)
	}
	return f.do(ctx, find("psql"), args...)
}

// bench starts clients of a database.
func (f *field) bench(name, db string, args ...string) error {
	return f.keep(name, find("pgbench"), append(append(f.pg(db), "-n"), args...)...)
}

// benchWith starts clients that run a script.
func (f *field) benchWith(name, db, script string, args ...string) error {
	file := filepath.Join(f.dir, name+".sql")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		return err
	}
	return f.bench(name, db, append(args, "-f", file)...)
}

// database has labels that the place of a PostgreSQL fault may have.
var database = map[string]string{"state": "idle", "datid": anything, "server": anything, "instance": "db-1", "job": "postgres"}

func postgresFaults() []fault {
	stop := func(names ...string) func(context.Context, *field) error {
		return func(_ context.Context, f *field) (err error) {
			for _, name := range names {
				err = errors.Join(err, f.kill(name))
			}
			return err
		}
	}
	return []fault{
		{
			name: "pg-connections", lane: "postgres", alert: "PostgresqlTooManyConnections", did: "70 clients more on the database reports",
			truth: truth{labels: map[string]string{"datname": "reports"}, implied: database, series: `numbackends|stat_activity|connections|sessions`},
			harm: func(_ context.Context, f *field) error {
				return f.bench("crowd", "reports", "-S", "-c", "70", "-R", "5", "-T", "1000")
			},
			mend: stop("crowd"),
		},
		{
			name: "pg-locks", lane: "postgres", alert: "PostgresqlTooManyLocksAcquired", did: "a transaction locks 400 tables of the database reports",
			truth: truth{labels: map[string]string{"datname": "reports", "mode": "accesssharelock"}, implied: database, series: `locks|tx_duration|"reports"`},
			harm: func(_ context.Context, f *field) error {
				script := `DO $$ BEGIN FOR i IN 1..400 LOOP EXECUTE format('LOCK TABLE part_%s IN ACCESS SHARE MODE', i); END LOOP; PERFORM pg_sleep(1000); END $$`
				return f.keep("locker", find("psql"), append(f.pg("reports"), "-c", script)...)
			},
			mend: stopWith("locker", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %'"),
		},
		{
			name: "pg-deadlocks", lane: "postgres", alert: "PostgresqlDeadLocks", did: "clients of the database shop update two rows in either order",
			truth: truth{labels: map[string]string{"datname": "shop"}, implied: database, series: `deadlocks|rollback|locks|conflicts`},
			harm: func(_ context.Context, f *field) error {
				update := "BEGIN;\nUPDATE stock SET n = n + 1 WHERE id = %d;\n\\sleep 300 ms\nUPDATE stock SET n = n + 1 WHERE id = %d;\nEND;\n"
				return errors.Join(
					f.benchWith("forth", "shop", fmt.Sprintf(update, 1, 2), "-c", "2", "-T", "1000", "--max-tries=1000"),
					f.benchWith("back", "shop", fmt.Sprintf(update, 2, 1), "-c", "2", "-T", "1000", "--max-tries=1000"),
				)
			},
			mend: stop("forth", "back"),
		},
		{
			name: "pg-rollbacks", lane: "postgres", alert: "PostgresqlHighRollbackRate", did: "clients of the database reports roll 20 transactions a second back",
			truth: truth{labels: map[string]string{"datname": "reports"}, implied: database, series: `rollback`},
			harm: func(_ context.Context, f *field) error {
				return f.benchWith("regret", "reports", "BEGIN;\nUPDATE pgbench_branches SET filler = filler;\nROLLBACK;\n", "-c", "2", "-R", "20", "-T", "1000")
			},
			mend: stop("regret"),
		},
	}
}

// stopWith stops a client and what it left running in the server.
func stopWith(name, statement string) func(context.Context, *field) error {
	return func(ctx context.Context, f *field) error {
		return errors.Join(f.kill(name), f.sql(ctx, "postgres", statement))
	}
}
