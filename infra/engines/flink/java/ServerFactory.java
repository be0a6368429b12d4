package org.apache.beam.sdk.fn.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.beam.model.pipeline.v1.Endpoints;
import org.apache.beam.vendor.grpc.v1p48p1.io.grpc.BindableService;
import org.apache.beam.vendor.grpc.v1p48p1.io.grpc.Server;
import org.apache.beam.vendor.grpc.v1p48p1.io.grpc.ServerInterceptor;
import org.apache.beam.vendor.grpc.v1p48p1.io.grpc.ServerInterceptors;
import org.apache.beam.vendor.grpc.v1p48p1.io.grpc.netty.NettyServerBuilder;

/**
 * Takes the place of Beam's class, whose servers for Flink's Python workers listen on every interface: these listen on loopback.
 * It is found first because its jar is the first on the class path.
 */
public class ServerFactory {
    public static ServerFactory createDefault() {
        return new ServerFactory();
    }

    public Server allocateAddressAndCreate(List services, Endpoints.ApiServiceDescriptor.Builder told) throws IOException {
        Server server = start(services, 0);
        told.setUrl("localhost:" + server.getPort());
        return server;
    }

    public Server create(List services, Endpoints.ApiServiceDescriptor wanted) throws IOException {
        String url = wanted.getUrl();
        return start(services, Integer.parseInt(url.substring(url.lastIndexOf(':') + 1)));
    }

    private static Server start(List services, int port) throws IOException {
        NettyServerBuilder builder = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        builder.maxMessageSize(Integer.MAX_VALUE);
        builder.permitKeepAliveTime(19, TimeUnit.SECONDS);  // the workers ask each 20 s whether the server is there
        ServerInterceptor[] interceptors = new ServerInterceptor[] {GrpcContextHeaderAccessorProvider.interceptor()};
        Iterator each = services.iterator();
        while (each.hasNext()) {
            builder.addService(ServerInterceptors.intercept((BindableService) each.next(), interceptors));
        }
        return builder.build().start();
    }
}
