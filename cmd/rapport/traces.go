package main

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"rapport/api"
	"rapport/channels"
)

// startTraces sends spans of requests and of attempts at providers to an OpenTelemetry collector, in the
// background; a collector that is away costs nothing but its spans. The function that comes back ends it.
// endpoint "": no traces.
func startTraces(ctx context.Context, endpoint string) (func(context.Context) error, error) {
	if endpoint == "" {
		return func(context.Context) error { return nil }, nil
	}
	out, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("otel.endpoint: %w", err)
	}
	p := trace.NewTracerProvider(trace.WithBatcher(out),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", "rapport"), attribute.String("service.version", version))))
	otel.SetTracerProvider(p)
	return p.Shutdown, nil
}

// traced tells whether anybody gets spans. To make one for nobody costs more than to count a message.
func traced() bool {
	_, ok := otel.GetTracerProvider().(*trace.TracerProvider)
	return ok
}

// span writes a span of something that has just ended.
func span(name string, kind oteltrace.SpanKind, took time.Duration, failed string, attrs ...attribute.KeyValue) {
	end := time.Now()
	_, s := otel.Tracer("rapport").Start(context.Background(), name, oteltrace.WithSpanKind(kind), oteltrace.WithTimestamp(end.Add(-took)), oteltrace.WithAttributes(attrs...))
	if failed != "" {
		s.SetStatus(codes.Error, failed)
	}
	s.End(oteltrace.WithTimestamp(end))
}

// traceRequest names its attributes as the conventions for HTTP do:
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/
func traceRequest(o api.Observation) {
	if !traced() {
		return
	}
	failed := ""
	if o.Status >= 500 {
		failed = "server error"
	}
	span(o.Method+" "+o.Route, oteltrace.SpanKindServer, o.Took, failed,
		attribute.String("http.request.method", o.Method), attribute.String("http.route", o.Route), attribute.Int("http.response.status_code", o.Status))
}

func traceSend(o channels.Observation) {
	if !traced() {
		return
	}
	verdict := "ok"
	failed := ""
	if o.Verdict != nil {
		verdict, failed = string(o.Verdict.Kind), o.Verdict.Reason
	}
	span("send "+string(o.Channel), oteltrace.SpanKindClient, o.Took, failed,
		attribute.String("rapport.provider", o.Provider), attribute.String("rapport.driver", o.Driver), attribute.String("rapport.verdict", verdict))
}
