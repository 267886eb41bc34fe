// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/culprit-dev/culprit/client"
)

func ExampleNew() {
	c, err := client.New(address, client.Options{
		HTTPClient: &http.Client{Timeout: 30 * time.Second}, // or one with your certificates
		Bearer:     "the token of changes.token_file",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Ready(context.Background()) == nil)
	// Output: true
}

func ExampleClient_Reports() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.New(address, client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for r, err := range c.Reports(ctx, client.ReportFilter{Filter: client.Filter{Open: client.Is(true), Match: []string{`service="shop"`}}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Alert.Labels["alertname"], r.Result.Verdict)
		for _, cause := range r.Result.Causes {
			fmt.Println(cause.Rank, cause.Labels, cause.Confidence == client.ConfidenceHigh)
		}
	}
	// Output:
	// ErrorsHigh explained
	// 1 [map[path:/pay]] true
}

func ExampleClient_Explain() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.New(address, client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	r, err := c.Explain(ctx, client.Question{Expr: "sum(rate(errors_total[1m])) > 3"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Result.Verdict, r.Result.Causes[0].Labels)
	// Output: explained [map[path:/pay]]
}

func ExampleClient_PostChanges() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.New(address, client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	deploy := client.NewChange{
		ID: "run-7", Source: "deploys", Title: "checkout v42", At: time.Now(), From: "v41", To: "v42",
		Labels: map[string]string{"service": "checkout"},
	}
	taken, err := c.PostChanges(ctx, deploy)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(taken[0].Outcome)
	// Output: added
}

func ExampleClient_Judge() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.New(address, client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for r, err := range c.Reports(ctx, client.ReportFilter{Verdict: client.VerdictExplained}) {
		if err != nil {
			log.Fatal(err)
		}
		if r, err = c.Judge(ctx, r.ID, client.Judged{Was: "the payment provider", By: "ann"}); err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.Feedback[0].Says, r.Feedback[0].Was)
	}
	// Output: other the payment provider
}

func ExampleError() {
	c, err := client.New(address, client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.PostChanges(context.Background(), client.NewChange{Source: "deploys"})
	var said *client.Error
	if errors.As(err, &said) {
		fmt.Println(said.Status, said.Message)
	}
	// Output: 400 change 1: the message can't be accepted: title is empty
}
