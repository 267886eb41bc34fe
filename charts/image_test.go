// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// repository is the directory of the Dockerfile and context of the build.
const repository = ".."

// dockerfile parses the Dockerfile with BuildKit's own code. Warnings of its linter are failures.
func dockerfile(t *testing.T) (build, final instructions.Stage) {
	t.Helper()
	f, err := os.Open(filepath.Join(repository, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ast, err := parser.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range ast.Warnings {
		t.Errorf("Dockerfile: %s", w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, description, _, msg string, at []parser.Range) {
		t.Errorf("Dockerfile:%v: %s: %s (%s)", at, rule, msg, description)
	}})
	stages, _, err := instructions.Parse(ast.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	if len(stages) != 2 {
		t.Fatalf("%d stages, want a build and an image", len(stages))
	}
	return stages[0], stages[1]
}

// TestTheStepsOfTheImageMakeTheDaemon runs the build stage in an empty directory and checks the
// resulting files.
func TestTheStepsOfTheImageMakeTheDaemon(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the daemon")
	}
	binary := buildAsImage(t)
	t.Run("static and small", func(t *testing.T) { checkBinary(t, binary) })
	t.Run("version", func(t *testing.T) { checkVersion(t, binary) })
	t.Run("starts with an empty volume", func(t *testing.T) { checkStart(t, binary) })
	t.Run("takes the configurations that the chart renders", func(t *testing.T) { checkRendered(t, binary) })
}

// buildAsImage runs the steps of the build stage and returns the binary that the last stage copies.
func buildAsImage(t *testing.T) string {
	t.Helper()
	build, final := dockerfile(t)
	s := steps{root: t.TempDir(), env: map[string]string{"VERSION": "v9.8.7", "REVISION": "0123abc"}}
	for _, command := range build.Commands {
		if err := s.run(command); err != nil {
			t.Fatalf("%v: %v", command, err)
		}
	}
	for _, command := range final.Commands {
		c, ok := command.(*instructions.CopyCommand)
		if !ok {
			continue
		}
		if c.From != build.Name {
			t.Errorf("%v does not copy from the build", c)
		}
		for _, path := range c.SourcePaths {
			if _, err := os.Stat(filepath.Join(s.root, path)); err != nil {
				t.Errorf("the last stage copies what was not built: %v", err)
			}
		}
		if c.DestPath == "/bin/culprit" {
			return filepath.Join(s.root, c.SourcePaths[0])
		}
	}
	t.Fatal("the last stage copies no /bin/culprit")
	panic("unreachable")
}

// steps runs the instructions of a stage in a directory.
type steps struct {
	root, dir string
	env       map[string]string // of --build-arg first, then of ARG and ENV too
	declared  []string
}

func (s *steps) run(command instructions.Command) error {
	switch c := command.(type) {
	case *instructions.WorkdirCommand:
		s.dir = filepath.Join(s.root, c.Path)
		return os.MkdirAll(s.dir, 0o755)
	case *instructions.ArgCommand:
		for _, arg := range c.Args {
			if _, given := s.env[arg.Key]; !given && arg.Value != nil {
				s.env[arg.Key] = *arg.Value
			}
			s.declared = append(s.declared, arg.Key)
		}
		return nil
	case *instructions.EnvCommand:
		for _, pair := range c.Env {
			s.env[pair.Key] = pair.Value
			s.declared = append(s.declared, pair.Key)
		}
		return nil
	case *instructions.CopyCommand:
		if !slices.Equal(c.SourcePaths, []string{"."}) || c.From != "" {
			return fmt.Errorf("only the whole context can be copied here")
		}
		return copyContext(s.dir)
	case *instructions.RunCommand:
		return s.shell(strings.Join(c.CmdLine, " "))
	}
	return fmt.Errorf("the instruction %s is not known here", command.Name())
}

// shell runs a command as RUN does, with the declared variables.
func (s *steps) shell(line string) error {
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Dir = s.dir
	for _, name := range []string{"PATH", "HOME", "GOPROXY", "GOFLAGS", "GOMODCACHE", "GOCACHE"} { // the toolchain of this machine
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	for _, name := range s.declared {
		cmd.Env = append(cmd.Env, name+"="+s.env[name])
	}
	cmd.Env = append(cmd.Env, "GOARCH="+runtime.GOARCH, "TARGETARCH="+runtime.GOARCH)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// copyContext copies what .dockerignore lets through.
func copyContext(to string) error {
	f, err := os.Open(filepath.Join(repository, ".dockerignore"))
	if err != nil {
		return err
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		return err
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		return err
	}
	context := os.DirFS(repository)
	return fs.WalkDir(context, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if skip, err := ignored.MatchesOrParentMatches(path); err != nil || skip {
			if entry.IsDir() && skip && !mayHold(patterns, path) {
				return fs.SkipDir
			}
			return err
		}
		target := filepath.Join(to, path)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := fs.ReadFile(context, path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}

// mayHold reports whether an exception names something below an ignored directory.
func mayHold(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return strings.HasPrefix(p, "!"+dir+"/") })
}

func checkBinary(t *testing.T, binary string) {
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 45 << 20
	t.Logf("%.1f MB", float64(info.Size())/1e6)
	if info.Size() >= limit {
		t.Errorf("the binary has %d bytes", info.Size())
	}
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary is not static: it has a %s", p.Type)
		}
	}
	if f.Section(".symtab") != nil || f.Section(".debug_info") != nil {
		t.Error("the binary is not stripped")
	}
	text, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if root, err := filepath.Abs(repository); err == nil && bytes.Contains(text, []byte(root+"/receiver")) {
		t.Error("the binary names folders of the machine that built it")
	}
}

func checkVersion(t *testing.T, binary string) {
	out, err := exec.Command(binary, "version").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"version 9.8.7", "revision: 0123abc", "linux/" + runtime.GOARCH} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// checkStart starts the daemon with an empty volume and logs how long that took.
func checkStart(t *testing.T, binary string) {
	t.Logf("up after %s", start(t, binary).Round(time.Millisecond))
}

// start runs the daemon as the image does, with unreachable servers, an empty volume and no
// temporary directory, and returns the time until it answered.
func start(t *testing.T, binary string) time.Duration {
	dir, port := t.TempDir(), freePort(t)
	config := filepath.Join(dir, "culprit.yml")
	nobody := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	text := fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q}]\n", nobody, nobody)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(binary, "serve", "--config.file="+config, "--storage.path="+filepath.Join(dir, "data"),
		fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port))
	cmd.Env = []string{"TMPDIR=/nowhere"}
	cmd.Stdout, cmd.Stderr = &log, &log
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer stop(t, cmd, &log)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	await := func(path string, code int, text string) {
		for {
			is, body := get(url + path)
			if is == code && strings.Contains(body, text) {
				return
			}
			if time.Since(begin) > time.Minute {
				t.Fatalf("%s says %d %s:\n%s", path, is, body, log.String())
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	await("/-/healthy", http.StatusOK, "")
	await("/-/ready", http.StatusServiceUnavailable, "waiting for Prometheus")
	return time.Since(begin)
}

// stop stops the daemon as Kubernetes does.
func stop(t *testing.T, cmd *exec.Cmd, log *bytes.Buffer) {
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, log.String())
	}
	for _, want := range []string{"Prometheus does not answer yet", "Alertmanager can't be read"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
}

func get(url string) (code int, body string) {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body) // what came of it is enough
	return resp.StatusCode, string(text)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func checkRendered(t *testing.T, binary string) {
	files, err := filepath.Glob(filepath.Join(renderedConfigs, "*", "culprit.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no rendered configurations: %v", err)
	}
	out, err := exec.Command(binary, append([]string{"check", "config", "--syntax-only"}, files...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if fine := strings.Count(string(out), ": fine, "); fine != len(files) {
		t.Errorf("%d of %d are fine:\n%s", fine, len(files), out)
	}
}

func TestTheImageRunsAsTheChartExpects(t *testing.T) {
	_, final := dockerfile(t)
	got := map[string]string{}
	for _, command := range final.Commands {
		text, err := json.Marshal(command)
		if err != nil {
			t.Fatal(err)
		}
		got[strings.ToLower(command.Name())] += string(text)
	}
	user := fmt.Sprint(*statefulSet(t, nil).Spec.Template.Spec.SecurityContext.RunAsUser)
	for name, want := range map[string]string{
		"user": user, "expose": "9798", "entrypoint": "/bin/culprit", "volume": "/data", "label": "org.opencontainers.image.source",
	} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s: %q does not name %q", name, got[name], want)
		}
	}
	if !regexp.MustCompile(`distroless/static.*:nonroot$`).MatchString(final.BaseName) {
		t.Errorf("the image is made from %s", final.BaseName)
	}
}
