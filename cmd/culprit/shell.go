// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"text/template"
	"unicode"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/version"
)

const completionHelp = `Print the completion script of a shell.

  bash   source <(culprit completion bash)          in ~/.bashrc
  zsh    source <(culprit completion zsh)           in ~/.zshrc, after compinit
  fish   culprit completion fish | source           in ~/.config/fish/config.fish

It completes commands, flags and the values of flags, and file names elsewhere.`

// fishCompletion works like the library's scripts for bash and zsh.
const fishCompletion = `function __{{.App.Name}}_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] --completion-bash $words[2..-1]
end
complete -c {{.App.Name}} -a '(__{{.App.Name}}_complete)'
`

// addCompletion adds the command that prints completion scripts.
func addCompletion(app *kingpin.Application, commands map[string]command) {
	scripts := map[string]string{"bash": kingpin.BashCompletionTemplate, "zsh": kingpin.ZshCompletionTemplate, "fish": fishCompletion}
	cmd := app.Command("completion", completionHelp)
	shell := cmd.Arg("shell", "bash, zsh or fish.").Required().Enum("bash", "zsh", "fish")
	commands[cmd.FullCommand()] = func(_ context.Context, s streams) error {
		script, err := template.New("").Parse(strings.TrimSpace(scripts[*shell]) + "\n")
		if err != nil {
			return err
		}
		return script.Execute(s.out, map[string]any{"App": app.Model()})
	}
}

// manPage is the manual for --help-man. The library's has the build instead of the version, and
// reflows examples.
const manPage = `{{define "Flags"}}{{range .Flags}}{{if not .Hidden -}}
.TP
\fB{{if .Short}}\-{{.Short|Char}}, {{end}}\-\-{{.Name|Roff}}{{if not .IsBoolFlag}}={{.FormatPlaceHolder|Roff}}{{end}}\fR
{{.Help|Roff}}
{{end}}{{end}}{{end -}}
{{define "Synopsis"}}{{if .FlagSummary}} {{.FlagSummary|Roff}}{{end}}{{range .Args}} {{if not .Required}}[{{end}}<{{.Name|Roff}}>{{if .Value|IsCumulative}}...{{end}}{{if not .Required}}]{{end}}{{end}}{{end -}}
.TH CULPRIT 1 "" "culprit {{Version|Roff}}" "User Commands"
.SH NAME
{{.App.Name}} \- tells every Prometheus alert what caused it
.SH SYNOPSIS
\fB{{.App.Name}}\fR [<flags>] <command> [<args> ...]
.SH DESCRIPTION
{{.App.Help|Roff}}
.PP
Results go to standard output, progress and warnings to standard error.
.SH OPTIONS
{{template "Flags" .App -}}
.SH COMMANDS
{{range .App.FlattenedCommands}}{{if not .Hidden -}}
.SS {{.FullCommand|Roff}}{{template "Synopsis" .}}
{{.Help|Roff}}
{{template "Flags" . -}}
{{end}}{{end -}}
.SH EXIT STATUS
.TP
0
A result was printed, also an empty one.
.TP
1
A check found something, or the command failed.
.TP
2
The call was wrong.
`

// helpFuncs are the functions of the help and manual templates.
func helpFuncs() template.FuncMap {
	return template.FuncMap{"FirstLine": firstLine, "Roff": roff, "Version": func() string { return strings.TrimSpace(version.Version) }}
}

// roff formats a text for man: blank lines separate paragraphs, and indented lines are verbatim.
func roff(text string) string {
	var b strings.Builder
	verbatim := false
	for i, line := range strings.Split(text, "\n") {
		if indented := strings.HasPrefix(line, "  "); indented != verbatim && line != "" {
			b.WriteString(map[bool]string{true: "\n.nf", false: "\n.fi"}[indented])
			verbatim = indented
		}
		if i > 0 {
			b.WriteString("\n")
		}
		if line == "" {
			b.WriteString(".sp")
			continue
		}
		line = ascii(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(line))
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		b.WriteString(line)
	}
	if verbatim {
		b.WriteString("\n.fi")
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// ascii replaces other characters by their roff names.
func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r > unicode.MaxASCII {
			fmt.Fprintf(&b, `\[u%04X]`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
