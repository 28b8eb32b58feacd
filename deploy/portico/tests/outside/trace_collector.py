"""A collector of traces (OTLP over gRPC) that tells each span as a line of JSON."""

import json
import sys
from concurrent import futures

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service


def tell(**what):
    print(json.dumps(what), flush=True)


def value(any_value):
    kind = any_value.WhichOneof("value")
    return None if kind is None else str(getattr(any_value, kind))


def attributes(of):
    return {pair.key: value(pair.value) for pair in of.attributes}


class Collector(service.TraceServiceServicer):
    def Export(self, request, context):
        for resource in request.resource_spans:
            process = attributes(resource.resource)["service.name"]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    tell(
                        process=process,
                        trace=span.trace_id.hex(),
                        id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        name=span.name,
                        kind=span.kind,
                        attributes=attributes(span),
                        events=[[event.name, attributes(event)] for event in span.events],
                        links=[link.span_id.hex() for link in span.links],
                    )
        return otlp.ExportTraceServiceResponse()


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
service.add_TraceServiceServicer_to_server(Collector(), server)
port = server.add_insecure_port("127.0.0.1:0")
if port == 0:
    sys.exit("no port is to be had")
server.start()
tell(listening=f"127.0.0.1:{port}")
server.wait_for_termination()
