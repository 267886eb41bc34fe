// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver"
)

// server are the flags of a command that queries Prometheus.
type server struct {
	configFile, url, name string
}

func serverFlags(cmd *kingpin.CmdClause) *server {
	s := &server{}
	cmd.Flag("prometheus.url", "Prometheus to query instead of the one in the configuration.").PlaceHolder("URL").StringVar(&s.url)
	nameFlag(cmd, &s.name)
	cmd.Flag("config.file", "Configuration with rules, candidates and credentials. Optional.").PlaceHolder("FILE").StringVar(&s.configFile)
	return s
}

func nameFlag(cmd *kingpin.CmdClause, name *string) {
	cmd.Flag("prometheus.name", "Name of the Prometheus to query, if the configuration has several.").PlaceHolder("NAME").StringVar(name)
}

// load returns the configuration: that of the file, with the URL of the flag. If the flags name a
// Prometheus it is the only one.
func (s *server) load() (*config.Config, error) {
	if s.configFile == "" && s.url == "" {
		return nil, usageError{errors.New("no Prometheus to ask: give --prometheus.url, or a --config.file that names one")}
	}
	if s.configFile == "" {
		if _, err := parseURL("--prometheus.url", s.url); err != nil {
			return nil, err
		}
		cfg, err := config.Parse("--prometheus.url", []byte("prometheus: {url: "+strconv.Quote(s.url)+"}"))
		if err != nil {
			return nil, usageError{err}
		}
		return cfg, nil
	}
	cfg, err := receiver.LoadConfig(s.configFile)
	if err != nil {
		return nil, err
	}
	return cfg, choose(cfg, s.name, s.url)
}

// choose selects the Prometheus with a name, or replaces the address of the only one. Without
// either it leaves all.
func choose(cfg *config.Config, name, address string) (err error) {
	if name == "" && address == "" {
		return nil
	}
	if cfg.Prometheus, err = cfg.Prometheus.Only(name, nil); err != nil {
		return usageError{err}
	}
	if address != "" {
		cfg.Prometheus[0].URL, err = parseURL("--prometheus.url", address)
	}
	return err
}

// only returns the only Prometheus; if there are several, one must be chosen.
func only(cfg *config.Config) (*config.Prometheus, error) {
	server, err := cfg.Prometheus.Choose("", nil)
	if err != nil {
		return nil, usageError{err}
	}
	return server, nil
}

func parseURL(flag, text string) (*config.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		if strings.ContainsAny(text, "@?") {
			text = "<secret>"
		}
		return nil, usageError{fmt.Errorf("%s %q is not an http address; hint: write http://host:port", flag, text)}
	}
	return config.NewURL(u), nil
}
