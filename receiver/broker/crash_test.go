// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// childEnv names what the test binary does instead of its tests when a test starts it.
const (
	childEnv = "BROKER_TEST_CHILD"
	dirEnv   = "BROKER_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "publish":
		exit(publishForever(os.Getenv(dirEnv)))
	case "full":
		exit(fillDisk(os.Getenv(dirEnv)))
	}
	os.Exit(m.Run())
}

// exit ends a child.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child prepares the test binary to do what, on the directory.
func child(what, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+what, dirEnv+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// publishForever prints the id of each acknowledged job.
func publishForever(dir string) error {
	b, err := Start(context.Background(), Options{Dir: dir})
	for i := 0; err == nil; i++ {
		if err = b.Publish(context.Background(), fmt.Sprint(i), []byte(fmt.Sprintf("body %d", i))); errors.Is(err, ErrExists) { // of the run before
			err = nil
		}
		if err == nil {
			fmt.Println(i)
		}
	}
	return err
}

func TestAKilledProcessLosesNoAcknowledgedJob(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]bool{}
	for round := range 3 {
		cmd := child("publish", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if acked[lines.Text()] = true; n == 200*(round+1) {
				if err := cmd.Process.Kill(); err != nil { // SIGKILL, in the middle of a write
					t.Fatal(err)
				}
			}
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
			t.Fatalf("the child ended by itself: %v", err)
		}
	}
	if len(acked) < 600 {
		t.Fatalf("%d jobs were acknowledged", len(acked))
	}
	b := start(t, Options{Dir: dir, Logger: testLog(t)})
	s, err := b.Stats(deadline(t))
	if err != nil || s.Pending < len(acked) || s.Pending > len(acked)+3 {
		t.Errorf("%d jobs in the queue, %d were acknowledged, and one each in flight at the three ends; %v", s.Pending, len(acked), err)
	}
	jobs := collect(t, b, s.Pending)
	for id := range acked {
		if want := "body " + id; string(jobs[id].Body) != want {
			t.Errorf("job %s has body %q, want %q", id, jobs[id].Body, want)
		}
	}
}
